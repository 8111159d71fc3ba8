/** Volumes made by qemu-img are opened here, and volumes made here are opened by QEMU, over what can be chosen. */
import { closeSync, openSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { infoFacts } from '../../../jobs/info-facts.ts';
import { qemuJson } from '../../../jobs/qemu-json.ts';
import { unlockDisk } from '../../../jobs/unlock.ts';
import { writeLayout } from '../../../jobs/write-layout.ts';
import { NodeFileDevice } from '../../../platform/node/file-device.ts';
import { answeredAtOnce } from '../../../testing/answered-at-once.ts';
import { type Outcome, qemuImg, qemuImgOrThrow, qemuIo } from '../../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../../testing/oracle/temp-dir.ts';
import { secret, seededBytes, smallLuksHeader } from '../../../testing/small-luks.ts';
import { amendLuks, type KeySlotChange } from '../../crypto/luks/amend.ts';
import { memoryDeviceOf } from '../../device/memory.ts';
import { DiskwrightError } from '../../errors.ts';
import { readGuest } from '../../image/access.ts';
import type { WritableImage } from '../../image/writable.ts';
import type { OptionTexts } from '../../options/declare.ts';
import { printOptionList } from '../../options/option-list.ts';
import { summaryLine } from '../../options/summary.ts';
import { luksDriver } from './driver.ts';
import { luksFileOptions } from './options.ts';
import { openWritableLuks } from './writable-image.ts';

const PASS = 'correct horse';
const objects = (passphrase = PASS): string[] => ['--object', `secret,id=s,data=${passphrase}`];
const source = (file: string): string[] => ['--image-opts', `driver=luks,key-secret=s,file.filename=${file}`];

const quietly = (outcome: Outcome): string => {
  if (outcome.code !== 0) throw new Error(`${outcome.commandLine}: ${outcome.stderr}${outcome.stdout}`);
  return outcome.stdout;
};
const io = (file: string, commands: readonly string[], passphrase = PASS): Outcome =>
  qemuIo([...objects(passphrase), ...source(file), ...commands.flatMap((one) => ['-c', one])]);

/** Makes a volume with qemu-img; its line. */
const madeByTool = (file: string, texts: OptionTexts): string =>
  quietly(qemuImg(['create', '-f', 'luks', ...objects(), '-o', printOptionList(texts), file]));

/** Opens a file read-write with its passphrase. */
function withWritable(file: string, passphrase: string, body: (image: WritableImage) => void): void {
  const device = new NodeFileDevice(openSync(file, 'r+'), file);
  try {
    const lock = luksDriver.lock?.(device);
    if (!lock) throw new Error('not locked');
    const cipher = answeredAtOnce(unlockDisk(device, lock, secret(passphrase)));
    const image = openWritableLuks({ image: device }, { cipher });
    body(image);
    image.close();
  } finally {
    device.close();
  }
}

const byte = (value: number, length: number): Uint8Array => new Uint8Array(length).fill(value);

/** What is wrong with a stretch that should hold one byte value. */
function expectBytes(image: WritableImage, at: number, length: number, value: number): void {
  const got = new Uint8Array(length);
  readGuest([image], at, got);
  expect(
    got.every((one) => one === value),
    `${length} bytes at ${at} are ${value}`,
  ).toBe(true);
}

/** Each value at least once, each pair that could disturb one another. */
const theirs: readonly OptionTexts[] = [
  {},
  { 'cipher-alg': 'aes-128', 'hash-alg': 'sha1', 'ivgen-alg': 'plain', preallocation: 'falloc' },
  { 'cipher-alg': 'aes-192', 'hash-alg': 'sha512', 'ivgen-alg': 'essiv', preallocation: 'full' },
  { 'cipher-mode': 'cbc', 'ivgen-alg': 'essiv', 'ivgen-hash-alg': 'sha256', 'hash-alg': 'sha1' },
  {
    'cipher-mode': 'cbc',
    'cipher-alg': 'aes-128',
    'ivgen-alg': 'essiv',
    'ivgen-hash-alg': 'md5',
    'hash-alg': 'sha384',
  },
  { 'cipher-mode': 'cbc', 'ivgen-alg': 'plain', 'ivgen-hash-alg': 'sha1', 'hash-alg': 'ripemd160' },
  { 'cipher-mode': 'ctr', 'hash-alg': 'sha224', preallocation: 'metadata' },
  { 'cipher-mode': 'ecb', 'cipher-alg': 'aes-128', 'ivgen-alg': 'essiv', 'hash-alg': 'md5' },
];

describe('made by qemu-img', () => {
  test.each(theirs)('%o', (chosen) => {
    withTempDir((dir) => {
      const file = join(dir, 'disk');
      const texts = { ...chosen, size: '1000003', 'key-secret': 's', 'iter-time': '10' };
      const line = madeByTool(file, texts);
      expect(`${summaryLine(file, 'luks', luksFileOptions, texts)}\n`).toBe(line);
      const made = readFileSync(file);
      const layout = luksDriver.create?.layout({ texts }).image;
      expect(made.length).toBe(layout?.length);
      const used = [...(layout?.pieces() ?? [])][0]?.length ?? 0;
      expect(made.subarray(used).every((one) => one === 0)).toBe(true);

      const device = memoryDeviceOf(new Uint8Array(made));
      const description = luksDriver.describe?.(device);
      if (!description) throw new Error('nothing described');
      const ours = qemuJson(infoFacts({ name: file, format: 'luks', description }));
      const judge = qemuImgOrThrow(['info', '--output=json', file]).stdout.replace(/\s*"actual-size": \d+,/, '');
      expect(`${ours}\n`.replaceAll(/\s+/g, ' ')).toBe(judge.replaceAll(/\s+/g, ' '));

      quietly(io(file, ['write -P 0x5a 512 64k', 'write -P 0x11 1000002 1', 'write -z 4k 1k']));
      withWritable(file, PASS, (image) => {
        expectBytes(image, 512, 3584, 0x5a);
        expectBytes(image, 4096, 1024, 0);
        expectBytes(image, 5120, 512 + 65536 - 5120, 0x5a);
        expectBytes(image, 1000002, 1, 0x11);
        image.write(1000, byte(0x77, 5000));
        image.write(image.virtualSize - 3, byte(0x78, 3));
      });
      expect(
        quietly(io(file, ['read -P 0x77 1000 5000', 'read -P 0x78 1000445 3', 'read -P 0x5a 512 488'])),
      ).not.toMatch(/Pattern/);
      expect(() => withWritable(file, 'wrong', () => {})).toThrow('opens none of the key slots');
    });
  });
});

const matrix = ['aes-128', 'aes-192', 'aes-256'].flatMap((cipher) =>
  (cipher === 'aes-192' ? ['xts'] : ['xts', 'cbc']).flatMap((mode) =>
    ['plain', 'plain64', 'essiv'].flatMap((ivgen) =>
      ['sha1', 'sha256', 'sha512'].map((hash) => ({ cipher, mode, ivgen, hash })),
    ),
  ),
);

describe('made here, opened by qemu-io', () => {
  test.each(matrix)('$cipher $mode $ivgen $hash', ({ cipher, mode, ivgen, hash }) => {
    const texts = { 'cipher-alg': cipher, 'cipher-mode': mode, 'ivgen-alg': ivgen, 'hash-alg': hash };
    withTempDir((dir) => {
      const file = join(dir, 'disk');
      const luksHeader = smallLuksHeader(PASS, texts);
      const layout = luksDriver.create?.layout({ texts: { ...texts, size: '256k', 'key-secret': 's' }, luksHeader });
      const device = new NodeFileDevice(openSync(file, 'w+'), file);
      if (layout) writeLayout(layout.image, device);
      device.close();
      withWritable(file, PASS, (image) => image.write(0, byte(0x21, image.virtualSize)));
      const said = quietly(io(file, ['read -P 0x21 0 256k', 'write -P 0x22 1k 3k']));
      expect(said).not.toMatch(/Pattern/);
      withWritable(file, PASS, (image) => {
        expectBytes(image, 0, 1024, 0x21);
        expectBytes(image, 1024, 3072, 0x22);
        expectBytes(image, 4096, 4096, 0x21);
      });
    });
  });

  test.each(['plain', 'plain64', 'essiv'])('beyond 2 TiB, where the sector has more than 32 bits: %s', (ivgen) => {
    withTempDir((dir) => {
      const file = join(dir, 'disk');
      writeFileSync(file, smallLuksHeader(PASS, { 'ivgen-alg': ivgen }));
      truncateSync(file, 2 ** 41 + 2 ** 22);
      const at = 2 ** 41 + 4096;
      withWritable(file, PASS, (image) => image.write(at, byte(0x31, 8192)));
      expect(quietly(io(file, [`read -P 0x31 ${at} 8192`, `write -P 0x32 ${at + 4096} 512`]))).not.toMatch(/Pattern/);
      withWritable(file, PASS, (image) => expectBytes(image, at + 4096, 512, 0x32));
    });
  });

  test('a wrong passphrase is refused there as here', () => {
    withTempDir((dir) => {
      const file = join(dir, 'disk');
      writeFileSync(file, Buffer.concat([smallLuksHeader(PASS), new Uint8Array(4096)]));
      expect(io(file, ['read 0 512'], 'wrong').code).not.toBe(0);
      expect(() => withWritable(file, 'wrong', () => {})).toThrow(DiskwrightError);
    });
  });
});

describe('what QEMU has and is not here', () => {
  test.each([
    ['serpent-256', 'serpent-256'],
    ['twofish-128', 'twofish-128'],
    ['cast5-128,cipher-mode=cbc', 'cast5-128'],
  ])('a volume of another cipher is described, and its disk refused by name: %s', (options, name) => {
    withTempDir((dir) => {
      const file = join(dir, 'disk');
      const list = `key-secret=s,iter-time=0,cipher-alg=${options}`;
      quietly(qemuImg(['create', '-f', 'luks', ...objects(), '-o', list, file, '1M']));
      const device = memoryDeviceOf(new Uint8Array(readFileSync(file)));
      expect(luksDriver.describe?.(device).specific?.data['cipher-alg']).toBe(name);
      expect(luksDriver.virtualSize(device)).toBe(2 ** 20);
      expect(() => withWritable(file, PASS, () => {})).toThrow(`encrypted with ${name}, known here is AES`);
    });
  });

  test('a new volume of another cipher is refused by name', () => {
    for (const name of ['serpent-128', 'twofish-256', 'cast5-128', 'des', '3des']) {
      const texts = { size: '1M', 'key-secret': 's', 'cipher-alg': name };
      expect(() => luksDriver.create?.layout({ texts })).toThrow(`no "${name}". QEMU has it`);
    }
  });

  test('keys of 192 bits without XTS: qemu-img is aborted, here they are refused', () => {
    withTempDir((dir) => {
      const texts = { size: '1M', 'key-secret': 's', 'cipher-alg': 'aes-192', 'cipher-mode': 'cbc', 'iter-time': '0' };
      expect(() => madeByTool(join(dir, 'disk'), texts)).toThrow('SIGABRT');
      expect(() => luksDriver.create?.layout({ texts })).toThrow('Keys of 192 bits go only with XTS');
    });
  });
});

/** One change of key slots, in both languages. */
interface Step {
  readonly options: string;
  readonly change: KeySlotChange;
}

const add = (name: string, keyslot?: number): Step => ({
  options: `state=active,new-secret=${name},iter-time=10${keyslot === undefined ? '' : `,keyslot=${keyslot}`}`,
  change: { state: 'active', passphrase: secret(PASS), newPassphrase: secret(name), keyslot, iterTime: 10 },
});
const erase = (keyslot: number | undefined, old?: string): Step => ({
  options: [
    'state=inactive',
    ...(keyslot === undefined ? [] : [`keyslot=${keyslot}`]),
    ...(old ? [`old-secret=${old}`] : []),
  ].join(),
  change: { state: 'inactive', keyslot, ...(old ? { oldPassphrase: secret(old) } : {}) },
});

const names = ['two', 'three'].flatMap((name) => ['--object', `secret,id=${name},data=${name}`]);
const amendByTool = (file: string, { options }: Step): Outcome =>
  qemuImg(['amend', ...objects(), ...names, ...source(file), '-o', options]);

function amendHere(file: string, { change }: Step): boolean {
  const device = new NodeFileDevice(openSync(file, 'r+'), file);
  try {
    const patches = answeredAtOnce(amendLuks(device, change, seededBytes(5)));
    openWritableLuks({ image: device }).writeLuks?.(patches);
    return true;
  } catch (thrown) {
    if (thrown instanceof DiskwrightError) return false;
    throw thrown;
  } finally {
    device.close();
  }
}

const states = (file: string): string => {
  const fd = openSync(file, 'r');
  const device = new NodeFileDevice(fd, file);
  const data = luksDriver.describe?.(device).specific?.data['slots'] as readonly { readonly active: boolean }[];
  closeSync(fd);
  return data.map(({ active }) => (active ? '#' : '.')).join('');
};
const opensThere = (file: string, passphrase: string): boolean =>
  io(file, ['read -P 0x41 0 512'], passphrase).code === 0;
const opensHere = (file: string, passphrase: string): boolean => {
  try {
    withWritable(file, passphrase, (image) => expectBytes(image, 0, 512, 0x41));
    return true;
  } catch (thrown) {
    if (thrown instanceof DiskwrightError && thrown.kind === 'passphrase') return false;
    throw thrown;
  }
};

test('keys added and erased: the same slots, the same refusals, and each opens the other’s', () => {
  const steps: readonly Step[] = [
    add('two'),
    add('three', 5),
    add('two', 5),
    add('two', 8),
    erase(3),
    erase(1, 'three'),
    erase(5, 'three'),
    add('two', 7),
    erase(undefined, 'two'),
    erase(undefined, 'two'),
    erase(0),
    erase(undefined),
  ];
  withTempDir((dir) => {
    const [tool, here] = [join(dir, 'tool'), join(dir, 'here')];
    for (const file of [tool, here]) {
      writeFileSync(file, Buffer.concat([smallLuksHeader(PASS), new Uint8Array(4096)]));
      withWritable(file, PASS, (image) => image.write(0, byte(0x41, 512)));
    }
    for (const step of steps) {
      const accepted = amendByTool(tool, step).code === 0;
      expect(amendHere(here, step), step.options).toBe(accepted);
      expect(states(here), step.options).toBe(states(tool));
      if (!accepted) continue;
      for (const passphrase of [PASS, 'two', 'three']) {
        const opens = opensThere(tool, passphrase);
        expect([opensHere(tool, passphrase), opensThere(here, passphrase), opensHere(here, passphrase)]).toEqual([
          opens,
          opens,
          opens,
        ]);
      }
    }
    expect(states(tool)).toBe('#.......');
  });
});

test('the disk gets another length as there', () => {
  withTempDir((dir) => {
    const [tool, here] = [join(dir, 'tool'), join(dir, 'here')];
    for (const file of [tool, here]) writeFileSync(file, Buffer.concat([smallLuksHeader(PASS), byte(0, 1 << 20)]));
    const resize = (size: number, preallocation: 'off' | 'falloc' | 'full' | 'metadata'): void => {
      const there = qemuImg([
        'resize',
        '--shrink',
        `--preallocation=${preallocation}`,
        ...objects(),
        ...source(tool),
        String(size),
      ]);
      let accepted = true;
      withWritable(here, PASS, (image) => {
        try {
          for (const _step of image.resize?.({ size, preallocation }) ?? []);
        } catch (thrown) {
          if (!(thrown instanceof DiskwrightError)) throw thrown;
          accepted = false;
        }
      });
      expect(accepted, `${size} ${preallocation}`).toBe(there.code === 0);
      expect(statSync(here).size, `${size} ${preallocation}`).toBe(statSync(tool).size);
    };
    resize(2 << 20, 'off');
    resize(3 << 20, 'falloc');
    resize((3 << 20) + 1024, 'full');
    resize(4 << 20, 'metadata');
    resize(1 << 20, 'off');
    resize(512, 'off');
  });
});

test('measure says what qemu-img says, and refuses what it refuses', () => {
  const cases: readonly OptionTexts[] = [
    { size: '10M', 'key-secret': 's' },
    { size: '1000', 'key-secret': 's', 'cipher-alg': 'aes-128', 'cipher-mode': 'cbc' },
    { size: '3T', 'key-secret': 's', 'cipher-alg': 'aes-192', preallocation: 'full' },
    { size: '10M' },
    { size: '10M', 'key-secret': 's', 'cipher-mode': 'cbc', 'ivgen-alg': 'essiv', 'ivgen-hash-alg': 'sha1' },
  ];
  for (const texts of cases) {
    // The tool makes a whole header to measure it.
    const { size = '', ...options } = { ...texts, 'iter-time': '0' };
    const list = ['-o', printOptionList(options)];
    const there = qemuImg([
      'measure',
      '-O',
      'luks',
      '--size',
      size,
      ...objects(),
      ...(Object.keys(options).length > 0 ? list : []),
    ]);
    let here = '';
    try {
      const estimate = luksDriver.create?.estimate({ texts });
      here = `required size: ${estimate?.required}\nfully allocated size: ${estimate?.fullyAllocated}\n`;
    } catch (thrown) {
      if (!(thrown instanceof DiskwrightError)) throw thrown;
    }
    expect(here, JSON.stringify(texts)).toBe(there.code === 0 ? there.stdout : '');
  }
});
