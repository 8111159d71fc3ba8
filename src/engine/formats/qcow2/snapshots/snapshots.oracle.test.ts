/**
 * Snapshots against qemu-img: the same operations on the same image leave the same bytes (the date is passed in), and
 * both checks are clean after each.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeImage, recipes } from '../../../../testing/oracle/qcow2-recipes.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../../../testing/oracle/temp-dir.ts';
import { type MemoryDevice, memoryDeviceOf } from '../../../device/memory.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { WritableImage } from '../../../image/writable.ts';
import { checkAtOnce } from '../check/check.ts';
import { qcow2Editor } from '../editor.ts';
import { openHeader } from '../open-header.ts';
import { readSnapshots } from '../snapshots.ts';
import { allOf } from './steps.ts';

function bytesOf(device: MemoryDevice): Buffer {
  const bytes = Buffer.alloc(device.size);
  for (let at = 0; at < bytes.length; at += 2 ** 20) device.read(at, bytes.subarray(at, at + 2 ** 20));
  return bytes;
}

/** Opens the image, does the work, closes it; the message of what was refused. */
function ours(file: string, work: (image: WritableImage) => void): string {
  const device = memoryDeviceOf(readFileSync(file));
  const image = qcow2Editor.openWritable({ image: device }, { unmap: true });
  let message = '';
  try {
    work(image);
  } catch (thrown) {
    if (!(thrown instanceof DiskwrightError)) throw thrown;
    message = thrown.message;
  }
  image.close();
  writeFileSync(file, bytesOf(device));
  const { corruptions, leaks, findings } = checkAtOnce(device);
  expect({ corruptions, leaks, findings }).toEqual({ corruptions: 0, leaks: 0, findings: [] });
  return message;
}

function firstDifference(a: Buffer, b: Buffer): string {
  if (a.equals(b)) return 'same';
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return `byte ${i} (0x${i.toString(16)}): ${a[i]} and ${b[i]}; lengths ${a.length}, ${b.length}`;
  }
  return `lengths ${a.length}, ${b.length}`;
}

class Pair {
  readonly #theirs: string;
  readonly #mine: string;
  constructor(dir: string, image: string) {
    this.#theirs = image;
    this.#mine = join(dir, 'mine');
    copyFileSync(image, this.#mine);
  }
  step(text: string): void {
    const [verb = '', ...rest] = text.split(' ');
    if (verb === 'create' || verb === 'apply' || verb === 'delete') {
      const name = rest.join(' ');
      const { code, stderr } = qemuImg(['snapshot', `-${verb.charAt(0)}`, name, this.#theirs]);
      const device = memoryDeviceOf(readFileSync(this.#theirs));
      const date = readSnapshots(device, openHeader(device)).snapshots.at(-1) ?? { seconds: 0, nanoseconds: 0 };
      const message = ours(this.#mine, ({ snapshots }) => {
        if (snapshots) allOf(verb === 'create' ? snapshots.create(name, date) : snapshots[verb](name));
      });
      expect([text, code, code === 0 ? message : stderr]).toEqual([text, code, code === 0 ? '' : stderr]);
      if (code !== 0) expect(message).not.toBe('');
    } else {
      for (const file of [this.#theirs, this.#mine]) {
        const { code, stdout, stderr } = qemuIo(['-f', 'qcow2', '-c', text, file]);
        if (code !== 0 || stdout.includes('failed')) throw new Error(`${text}: ${stdout}${stderr}`);
      }
    }
    expect([text, firstDifference(readFileSync(this.#mine), readFileSync(this.#theirs))]).toEqual([text, 'same']);
    const checked = qemuImg(['check', this.#mine]);
    expect([text, checked.code, checked.stderr]).toEqual([text, 0, '']);
  }
}

const SEQUENCE = [
  'create a',
  'write -P 9 100k 300k',
  'create b',
  'create c',
  'write -P 10 0 70k',
  'delete b',
  'write -z 64k 64k',
  'create a',
  'apply c',
  'write -P 11 200k 64k',
  'apply 1',
  'create d',
  'delete a',
  'discard 0 128k',
  'delete a',
  'create e',
  'delete d',
  'delete c',
  'delete e',
];

describe('a sequence of operations', () => {
  const kinds = recipes.filter(
    ({ name, options = '' }) =>
      !/luks|data_file/.test(options) &&
      !/empty disk|blank|bitmaps|one-bit|300k/.test(name) &&
      !name.startsWith('falloc'),
  );
  for (const recipe of kinds) {
    test(recipe.name, () => {
      withTempDir((dir) => {
        const image = makeImage(recipe, dir);
        const pair = new Pair(dir, image);
        for (const step of SEQUENCE) pair.step(step);
      });
    });
  }
});
void qemuImgOrThrow;
