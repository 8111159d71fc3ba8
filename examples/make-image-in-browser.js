// Makes an image in a page and saves it, in ten lines: no server, no WebAssembly.
import { findFormat, MemoryDevice, writeLayout } from 'diskwright';

export async function saveImage(name, size) {
  const driver = await findFormat('qcow2').load();
  const { image } = driver.create.layout({ texts: { size } });
  const device = new MemoryDevice();
  writeLayout(image, device);
  const bytes = new Uint8Array(device.size);
  device.read(0, bytes);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes]));
  link.download = name;
  link.click();
}
