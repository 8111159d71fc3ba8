/**
 * Work done on an encrypted image by qemu-io and qemu-img, and by this engine: both begin with the same file and so with
 * the same key, and leave the same file, byte for byte.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unlockDisk } from '../../../../jobs/unlock.ts';
import { answered } from '../../../../platform/node/derive-keys.ts';
import { qemuImg } from '../../../../testing/oracle/qemu-tools.ts';
import { drawSteps, minimised, type ReplayStep, replay, stepText } from '../../../../testing/oracle/replay.ts';
import { withTempDirAsync } from '../../../../testing/oracle/temp-dir.ts';
import { Random } from '../../../../testing/random.ts';
import { runs, seed } from '../../../../testing/seed.ts';
import { memoryDeviceOf } from '../../../device/memory.ts';
import { qcow2Driver } from '../driver.ts';

const PASSPHRASE = 'correct horse';
const SECRET = ['--object', `secret,id=sec0,data=${PASSPHRASE}`];
const LUKS = 'encrypt.format=luks,encrypt.key-secret=sec0,encrypt.iter-time=10';
const AES = 'encrypt.format=aes,encrypt.key-secret=sec0';

const recipes: readonly (readonly [options: string, size: number])[] = [
  [`${LUKS}`, 3 * 2 ** 20],
  [`${LUKS},cluster_size=512`, 2 ** 20],
  [`${LUKS},cluster_size=4k,encrypt.cipher-alg=aes-128`, 2 ** 20 + 512],
  [`${LUKS},cluster_size=16k,extended_l2=on,encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv`, 2 ** 21 - 512],
  [`${LUKS},compat=0.10,cluster_size=4k`, 2 ** 20],
  [`${LUKS},cluster_size=4k,backing_file=base.raw,backing_fmt=raw`, 2 ** 20],
  [`${LUKS},compat=0.10,cluster_size=1k,backing_file=base.raw,backing_fmt=raw`, 2 ** 20],
  [`${LUKS},data_file=image.data`, 2 ** 20],
  [`${LUKS},cluster_size=4k,refcount_bits=8,preallocation=metadata`, 2 ** 20],
  [`${LUKS},lazy_refcounts=on,cluster_size=1k,encrypt.cipher-mode=ctr`, 2 ** 20],
  [`${AES}`, 2 ** 20],
  [`${AES},cluster_size=512`, 2 ** 20],
  [`${AES},compat=0.10,cluster_size=4k`, 2 ** 20 + 512],
  [`${AES},cluster_size=32k,extended_l2=on,backing_file=base.raw,backing_fmt=raw`, 2 ** 21],
];

/** On a busy machine QEMU sometimes gives up measuring how fast it derives keys. */
function createEncrypted(args: readonly string[], cwd: string): void {
  for (let tries = 5; ; tries--) {
    const { code, stderr } = qemuImg(['create', '-q', ...SECRET, ...args], { cwd });
    if (code === 0) return;
    if (tries === 0 || !stderr.includes('accurate CPU usage')) throw new Error(stderr);
  }
}

async function startOf(options: string, size: number, dir: string) {
  writeFileSync(join(dir, 'base.raw'), Buffer.alloc(700_000, 0xbb));
  const start = join(dir, 'image.qcow2');
  createEncrypted(['-f', 'qcow2', '-o', options, start, `${size}`], dir);
  const device = memoryDeviceOf(readFileSync(start));
  const lock = qcow2Driver.lock?.(device);
  if (!lock) throw new Error('the image is not encrypted');
  const cipher = await answered(unlockDisk(device, lock, new TextEncoder().encode(PASSPHRASE)));
  const data = existsSync(join(dir, 'image.data')) ? join(dir, 'image.data') : undefined;
  return { start, data, lock: { passphrase: PASSPHRASE, cipher } };
}

type Weights = Parameters<typeof drawSteps>[2]['weights'];
type Start = Awaited<ReturnType<typeof startOf>>;

function differenceOf({ start, data, lock }: Start, size: number, weights: Weights, random: Random, steps: number) {
  const clusterSize = qcow2Driver.describe?.(memoryDeviceOf(readFileSync(start))).clusterSize ?? 65536;
  const edges = [0, 512, clusterSize, 32 * clusterSize, size].filter((edge) => edge <= size);
  const most = Math.min(Math.max(40 * clusterSize, 128 * 1024), 2 ** 20);
  const drawn = drawSteps(random, steps, { size, clusterSize, edges, weights, most });
  const tried = (some: readonly ReplayStep[]): string | undefined => replay(start, some, data, lock);
  if (tried(drawn) === undefined) return undefined;
  const least = minimised(drawn, (fewer) => tried(fewer) !== undefined);
  return `${tried(least)}\n  ${least.map(stepText).join('\n  ')}`;
}

describe('writes, zeros and discards, then snapshots and resizing in between', () => {
  const named = recipes.map(
    ([options, size], index) => [options.replace(LUKS, 'LUKS').replace(AES, 'AES'), options, size, index] as const,
  );
  it.each(named)('%s', async (_name, options, size, index) => {
    const random = (salt: number): Random => new Random(seed).fork(index * 1000 + salt);
    await withTempDirAsync(async (dir) => {
      const start = await startOf(options, size, dir);
      // Long enough that new refcount blocks land between its parts.
      const whole: ReplayStep = {
        kind: 'io',
        operations: [{ kind: 'write', at: 512, length: size - 1024, pattern: 7 }],
      };
      expect(replay(start.start, [whole], start.data, start.lock)).toBe(undefined);
      const all = options.includes('data_file') ? { io: 1 } : { io: 3, snapshot: 2, resize: 1 };
      for (let run = 0; run < runs(1); run++) {
        expect(differenceOf(start, size, { io: 1 }, random(2 * run), 4)).toBe(undefined);
        expect(differenceOf(start, size, all, random(2 * run + 1), 6)).toBe(undefined);
      }
    });
  });
});
