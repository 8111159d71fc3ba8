/** qcow2 images in memory for tests of writing: made from option texts, opened over backing images of every kind. */
import type { ReadableDevice } from '../../engine/device/device.ts';
import { MemoryDevice, memoryDeviceOf } from '../../engine/device/memory.ts';
import { checkAtOnce } from '../../engine/formats/qcow2/check/check.ts';
import { qcow2Driver } from '../../engine/formats/qcow2/driver.ts';
import { qcow2Editor } from '../../engine/formats/qcow2/editor.ts';
import { rawDriver } from '../../engine/formats/raw/driver.ts';
import type { Chain } from '../../engine/image/access.ts';
import type { OpenSettings, WritableDevices, WritableImage } from '../../engine/image/writable.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import { writeLayout } from '../../jobs/write-layout.ts';

/** The file of a new image. */
export function newImage(texts: OptionTexts): MemoryDevice {
  const device = new MemoryDevice();
  const { create } = qcow2Driver;
  if (!create) throw new Error('qcow2 cannot be created');
  writeLayout(create.layout({ texts }).image, device);
  return device;
}

export function openForWriting(devices: WritableDevices, settings: OpenSettings = {}): WritableImage {
  return qcow2Editor.openWritable(devices, settings);
}

/** What our check finds, one text a finding; empty for a clean image. */
export function problemsOf(device: MemoryDevice): string[] {
  const report = checkAtOnce(device);
  if (report.corruptions === 0 && report.leaks === 0) return [];
  return [`${report.corruptions} corruptions, ${report.leaks} leaks`, ...report.findings.map((one) => one.text)];
}

/** A raw image of `length` bytes in which no two sectors are alike. */
export function rawChain(length: number): Chain {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = ((i >> 9) * 37 + i * 3) % 251;
  return [openRaw(memoryDeviceOf(bytes))];
}

export function openRaw(device: ReadableDevice): Chain[0] {
  if (!rawDriver.open) throw new Error('raw images cannot be opened');
  return rawDriver.open({ image: device });
}

/** A qcow2 image of `length` bytes with data, zeros and nothing in turns, as a backing image. */
export function qcow2Chain(length: number): Chain {
  const image = newImage({ size: `${length}`, cluster_size: '4096' });
  const writer = openForWriting({ image });
  for (let at = 0; at < length; at += 65536) {
    const part = Math.min(30_000, length - at);
    writer.write(at, new Uint8Array(part).fill(1 + ((at / 65536) % 200)));
    if (length - at > 50_000) writer.zero(at + 40_000, 9000);
  }
  writer.close();
  if (!qcow2Driver.open) throw new Error('qcow2 images cannot be opened');
  return [qcow2Driver.open({ image })];
}

/**
 * A file of exactly `used` clusters, all of them in use: a smaller disk is preallocated, then the header is told that
 * it is larger. The next allocation begins behind it.
 */
export function filledImage(texts: OptionTexts, size: number, used: number): MemoryDevice {
  const clusterSize = Number(texts.cluster_size ?? 65536);
  const entries = clusterSize / (texts.extended_l2 === 'on' ? 16 : 8);
  // What the tables take depends on the size: found by trying.
  let device: MemoryDevice | undefined;
  for (let clusters = used; clusters > 0 && !device; clusters--) {
    if (clusters + Math.ceil(clusters / entries) + 4 > used) continue;
    const made = newImage({ ...texts, size: `${clusters * clusterSize}`, preallocation: 'metadata' });
    if (made.size <= used * clusterSize) device = made;
  }
  if (!device) throw new Error('no size fits');
  const header = Buffer.alloc(512);
  device.read(0, header);
  const l1Entries = Math.ceil(size / (clusterSize * entries));
  if (l1Entries * 8 > Math.ceil((header.readUInt32BE(36) * 8) / clusterSize) * clusterSize) {
    throw new Error('the larger disk needs a longer L1 table');
  }
  header.writeBigUInt64BE(BigInt(size), 24);
  header.writeUInt32BE(l1Entries, 36);
  device.write(0, header);
  return device;
}
