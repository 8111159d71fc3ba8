import { expect, test } from 'vitest';
import { findFormat } from '../engine/formats/index.ts';
import type { Facts } from '../engine/image/description.ts';
import { oldestQemu, readersOf } from './readers.ts';

const facts = (data: Facts, more: object = {}) => ({
  name: 'vm 1.qcow2',
  format: 'qcow2',
  missing: [],
  description: { virtualSize: 1, specific: { type: 'qcow2', data: { compat: '1.1', 'refcount-bits': 16, ...data } } },
  ...more,
});

test.each([
  [{ compat: '0.10' }, {}],
  [{}, {}],
  [{ refcount_bits: '8' }, { 'refcount-bits': 8 }],
  [{ data_file: 'd' }, {}],
  [{ compression_type: 'zstd' }, { 'compression-type': 'zstd' }],
  [{ extended_l2: 'on' }, { 'extended-l2': true }],
])('the oldest QEMU is the one that the form tells: %j', async (texts, data) => {
  const driver = await findFormat('qcow2')?.load();
  const forecast = driver?.create?.forecast({ texts: { size: '1G', ...texts } });
  const dataFile = 'data_file' in texts ? { dataFile: 'd' } : {};
  const compat = 'compat' in texts ? { compat: texts.compat } : {};
  expect(oldestQemu(facts({ ...data, ...compat } as Facts, dataFile))).toBe(
    forecast?.facts.find(({ label }) => label === 'Oldest QEMU')?.text,
  );
});

test('a command carries the name so that a shell takes it', () => {
  const [old] = readersOf(facts({ 'compression-type': 'zstd' }));
  expect(old).toMatchObject({
    verdict: 'no',
    who: 'QEMU before 5.1',
    command: "qemu-img convert -O qcow2 -o compression_type=zlib 'vm 1.qcow2' 'vm 1-new.qcow2'",
  });
});

test('what is missing, dirty, corrupt or encrypted is said first', () => {
  const notes = readersOf({
    ...facts({ corrupt: true, encrypt: { format: 'luks' } }),
    missing: ['base.img'],
    description: {
      virtualSize: 1,
      dirty: true,
      encrypted: true,
      specific: {
        type: 'qcow2',
        data: { compat: '1.1', 'refcount-bits': 16, corrupt: true, encrypt: { format: 'luks' } },
      },
    },
  });
  expect(notes.map(({ verdict, who }) => `${verdict} ${who}`)).toEqual([
    'if Anywhere, alone',
    'no Every virtual machine',
    'if Programs that cannot repair',
    'if Without the passphrase',
    'no QEMU before 2.10',
    'no VMware, Hyper-V',
    'yes QEMU 2.10 or later, Proxmox, libvirt, UTM',
  ]);
});

test('commands about an encrypted image take its passphrase from a file', () => {
  const encrypted = { virtualSize: 1, encrypted: true, specific: { type: 'qcow2', data: { compat: '1.1' } } };
  const commands = (name: string, format: string) =>
    readersOf({ name, format, missing: [], description: encrypted }).flatMap(({ command }) => command ?? []);
  const secret = '--object secret,id=sec0,file=passphrase.txt --image-opts';
  expect(commands('a,b.qcow2', 'qcow2')).toEqual([
    `qemu-img amend -o compat=0.10 ${secret} driver=qcow2,file.filename=a,,b.qcow2,encrypt.key-secret=sec0`,
    `qemu-img convert ${secret} driver=qcow2,file.filename=a,,b.qcow2,encrypt.key-secret=sec0 -O vmdk a,b.vmdk`,
  ]);
  expect(commands('my disk.luks', 'luks')).toEqual([
    "sudo cryptsetup open --type luks1 'my disk.luks' disk",
    `qemu-img convert ${secret} 'driver=luks,file.filename=my disk.luks,key-secret=sec0' -O vmdk 'my disk.vmdk'`,
  ]);
});
