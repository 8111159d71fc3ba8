// Writes into the disk of an image in place; the image is closed cleanly, whatever happens.
import { withWritableImage } from 'diskwright/node';

await withWritableImage({ name: process.argv[2] ?? 'disk.qcow2' }, { cwd: process.cwd() }, ({ image }) => {
  image.write(0, new TextEncoder().encode('DISK'));
});
