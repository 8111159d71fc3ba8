// Converts an image into a compressed qcow2 image, with progress.
import { convertImageFile } from 'diskwright/node';

const [source = 'disk.qcow2', file = 'small.qcow2'] = process.argv.slice(2);
let percent = -1;
await convertImageFile({
  source,
  file,
  format: 'qcow2',
  compress: true,
  onProgress(done, total) {
    const now = total === 0 ? 100 : Math.floor((done / total) * 100);
    if (now !== percent) process.stderr.write(`\r${now} %`);
    percent = now;
  },
});
console.log(`${file} is made.`);
