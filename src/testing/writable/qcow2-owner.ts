/** Says what a host cluster of a qcow2 file is for, by a plain walk of its own: to explain a difference. */

const OFFSET = 0x00ff_ffff_ffff_fe00n;

/** Cluster number → what refers to it. */
export function clusterOwners(file: Buffer): Map<number, string> {
  const owners = new Map<number, string>();
  const clusterSize = 2 ** file.readUInt32BE(20);
  const u64 = (at: number): bigint => (at + 8 <= file.length ? file.readBigUInt64BE(at) : 0n);
  const own = (at: number, bytes: number, what: string): void => {
    for (let cluster = Math.floor(at / clusterSize); cluster * clusterSize < at + bytes; cluster++) {
      const before = owners.get(cluster);
      owners.set(cluster, before === undefined ? what : `${before}, ${what}`);
    }
  };
  own(0, 1, 'header');
  const version = file.readUInt32BE(4);
  const incompatible = version >= 3 ? file.readBigUInt64BE(72) : 0n;
  const entryBytes = (incompatible & 0x10n) === 0n ? 8 : 16;
  const table = Number(file.readBigUInt64BE(48));
  const tableBytes = file.readUInt32BE(56) * clusterSize;
  own(table, tableBytes, 'refcount table');
  for (let at = 0; at < tableBytes; at += 8) {
    const block = Number(u64(table + at) & OFFSET);
    if (block !== 0) own(block, 1, `refcount block ${at / 8}`);
  }
  const walk = (l1: number, entries: number, whose: string): void => {
    if (entries === 0) return;
    own(l1, entries * 8, `${whose}L1 table`);
    for (let i = 0; i < entries; i++) {
      const l2 = Number(u64(l1 + i * 8) & OFFSET);
      if (l2 === 0) continue;
      own(l2, 1, `${whose}L2 table ${i}`);
      for (let k = 0; k < clusterSize / entryBytes; k++) {
        const entry = u64(l2 + k * entryBytes);
        const host = Number(entry & OFFSET);
        const guest = i * (clusterSize / entryBytes) + k;
        if ((entry & (1n << 62n)) !== 0n) continue;
        if (host !== 0 && (incompatible & 4n) === 0n) own(host, 1, `${whose}data of guest cluster ${guest}`);
      }
    }
  };
  walk(Number(file.readBigUInt64BE(40)), file.readUInt32BE(36), '');
  let at = Number(file.readBigUInt64BE(64));
  const start = at;
  for (let i = 0; i < file.readUInt32BE(60); i++) {
    at = Math.ceil(at / 8) * 8;
    if (at + 40 > file.length) break;
    walk(Number(u64(at)), file.readUInt32BE(at + 8), `snapshot ${i + 1}'s `);
    at += 40 + file.readUInt32BE(at + 36) + file.readUInt16BE(at + 12) + file.readUInt16BE(at + 14);
  }
  if (at > start) own(start, at - start, 'snapshot table');
  return owners;
}

/** The first differing byte in words, with what its cluster is in each of the files; undefined if there is none. */
export function fileDifference(ours: Buffer, theirs: Buffer): string | undefined {
  if (ours.equals(theirs)) return undefined;
  const shorter = Math.min(ours.length, theirs.length);
  let at = 0;
  while (at < shorter && ours[at] === theirs[at]) at++;
  const clusterSize = 2 ** theirs.readUInt32BE(20);
  const cluster = Math.floor(at / clusterSize);
  const owner = (file: Buffer): string => clusterOwners(file).get(cluster) ?? 'free';
  const word = (file: Buffer): string => file.subarray(at & ~7, (at & ~7) + 8).toString('hex');
  const lengths = ours.length === theirs.length ? '' : `lengths: ours ${ours.length}, qemu's ${theirs.length}; `;
  return (
    `${lengths}byte ${at} (cluster ${cluster} + ${at % clusterSize}): ` +
    `ours ${word(ours)} in ${owner(ours)}; qemu's ${word(theirs)} in ${owner(theirs)}`
  );
}
