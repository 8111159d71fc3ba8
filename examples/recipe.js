// Reads a recipe, makes its image, and proves that the file is what the recipe says.

import { openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { digestLayout, findFormat, parseRecipe } from 'diskwright';
import { createImageFile, digestFile, NodeReadDevice } from 'diskwright/node';

const reading = parseRecipe(await readFile(process.argv[2] ?? 'disk.recipe.json', 'utf8'));
if (!reading.ok) throw new Error(reading.message);
const { format, file = 'disk.img', options } = reading.recipe;
await createImageFile({ file, format, options });

const driver = await findFormat(format).load();
const steps = digestLayout(driver.create.layout({ texts: options }).image, false);
let expected = steps.next();
while (!expected.done) expected = steps.next();

const device = new NodeReadDevice(openSync(file, 'r'), file);
const { layoutDigest } = await digestFile(device);
device.close();
console.log(layoutDigest === expected.value.layoutDigest ? `${file} is the file.` : `${file} is another file.`);
