// Opens an image with everything that it rests on, checks it, and reads the first sector of its disk.
import { readGuest } from 'diskwright';
import { openChain } from 'diskwright/node';

const opened = await openChain({ name: process.argv[2] ?? 'disk.qcow2' }, { cwd: process.cwd() });
try {
  const [top] = opened.layers;
  console.log(`${top.name}: ${top.format}, a disk of ${top.image.virtualSize} bytes`);

  const check = top.driver.check?.(top.device);
  for (let step = check?.next(); step; step = check?.next()) {
    if (!step.done) continue; // progress
    console.log(`check: ${step.value.findings.length} findings`);
    break;
  }

  const sector = new Uint8Array(512);
  readGuest(opened.chain, 0, sector);
  console.log(`first bytes: ${[...sector.subarray(0, 4)].join(' ')}`);
} finally {
  opened.close();
}
