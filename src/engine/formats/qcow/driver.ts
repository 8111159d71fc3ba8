/** Recognises qcow images of version 1 and reads their size (QEMU 7.2, `qcow`; all big-endian). */
import { bigU64, reserved, struct, u8, u32 } from '../../bytes/struct.ts';
import { cString } from '../../bytes/text.ts';
import type { FormatDriver } from '../../image/format.ts';
import { assertOffset, corrupt, diskSize, notThisFormat, readBytes, unsupported } from '../../image/recognise.ts';

const header = struct('qcow header', 'big', {
  magic: u32,
  version: u32,
  /** Offset of the name in the file; 0: no backing file. */
  backingFileOffset: bigU64,
  backingFileSize: u32,
  modified: u32,
  /** Bytes. */
  size: bigU64,
  clusterBits: u8,
  /** Base-two logarithm of the number of entries of an L2 table. */
  l2Bits: u8,
  padding: reserved(2),
  /** 0 none, 1 AES. */
  cryptMethod: u32,
  l1TableOffset: bigU64,
});

const MAGIC = 0x514649fb;
const MAX_BACKING_NAME = 1023;
/** Entries of the L1 table that fit a 2 GiB allocation. */
const MAX_L1_ENTRIES = 0x0fff_ffffn;

const between = (value: number, least: number, most: number): boolean => value >= least && value <= most;

export const qcowDriver: FormatDriver = {
  probe(device) {
    const head = readBytes(device, 0, header.size);
    const fits = header.get('magic', head) === MAGIC && header.get('version', head) === 1;
    return fits ? '"QFI\\xfb" at 0, version 1' : undefined;
  },

  virtualSize(device) {
    const head = header.read(readBytes(device, 0, header.size));
    if (head.magic !== MAGIC) throw notThisFormat('Not a qcow image: it does not begin with "QFI\\xfb".');
    if (head.version !== 1) {
      throw unsupported(`qcow header: version is ${head.version}, expected 1.`, 'Name the format qcow2.');
    }
    if (head.size <= 1n) throw corrupt(`qcow header: the disk has ${head.size} bytes, expected 2 or more.`);
    if (!between(head.clusterBits, 9, 16)) {
      throw corrupt(`qcow header: cluster bits are ${head.clusterBits}, expected 9 to 16.`);
    }
    if (!between(head.l2Bits, 6, 13)) throw corrupt(`qcow header: L2 bits are ${head.l2Bits}, expected 6 to 13.`);
    if (head.cryptMethod > 1) throw unsupported(`qcow header: encryption method ${head.cryptMethod} is unknown.`);
    const perEntry = 1n << BigInt(head.clusterBits + head.l2Bits);
    const entries = (head.size + perEntry - 1n) / perEntry;
    if (entries > MAX_L1_ENTRIES) {
      throw corrupt(`qcow header: a disk of ${head.size} bytes needs an L1 table beyond 2 GiB.`);
    }
    assertOffset('qcow header: the L1 table', head.l1TableOffset, entries * 8n);
    assertOffset("qcow header: the backing file's name", head.backingFileOffset, 1023n);
    if (head.backingFileOffset !== 0n && head.backingFileSize > MAX_BACKING_NAME) {
      throw corrupt(
        `qcow header: the backing file's name has ${head.backingFileSize} bytes, at most 1023 are allowed.`,
      );
    }
    return diskSize('qcow', head.size);
  },

  backing(device) {
    const { backingFileOffset: at, backingFileSize } = header.read(readBytes(device, 0, header.size));
    if (at === 0n) return undefined;
    const name = at > BigInt(device.size) ? '' : cString(readBytes(device, Number(at), backingFileSize));
    return name === '' ? undefined : { name };
  },
};
