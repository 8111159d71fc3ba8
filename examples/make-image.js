// Makes an image file on this host: byte for byte what qemu-img would write.
import { createImageFile } from 'diskwright/node';

const made = await createImageFile({
  file: 'disk.qcow2',
  format: 'qcow2',
  options: { size: '32G', preallocation: 'metadata' },
});
console.log(`disk.qcow2 has ${made.length} bytes.`);
