/**
 * Recognises VMware images and reads their size: a sparse file with its own header, or a description of
 * extents in other files. Those are not opened: the description's own counts make the size.
 */
import { asciiText } from '../../bytes/text.ts';
import type { FormatDriver } from '../../image/format.ts';
import { corrupt, diskSize, notThisFormat, readBytes, SECTOR } from '../../image/recognise.ts';
import { checkIds, describedSectors, parentName } from './descriptor.ts';
import { COWD_MAGIC, cowdSectors, HOSTED_MAGIC, hostedHeader, hostedSectors } from './sparse.ts';

/** Where a sparse file keeps its ids. */
const EMBEDDED = SECTOR;
/** Comments and blank lines, then the version. */
const DESCRIPTION = /^(?:#[^\n]*\n| +\r?\n)*version=([123])\r?\n/;

/** Offset of the text with the ids. */
function idsOffset(magic: string): number {
  return magic === COWD_MAGIC || magic === HOSTED_MAGIC ? EMBEDDED : 0;
}

export const vmdkDriver: FormatDriver = {
  probe(device) {
    const head = asciiText(readBytes(device, 0, SECTOR));
    const magic = head.slice(0, 4);
    if (magic === HOSTED_MAGIC || magic === COWD_MAGIC) return `"${magic}" at 0`;
    const version = DESCRIPTION.exec(head)?.[1];
    return version === undefined ? undefined : `a description with version=${version}`;
  },

  virtualSize(device) {
    if (device.size < 4) throw notThisFormat('Not a VMDK image: it has no 4 bytes.');
    const raw = readBytes(device, 0, hostedHeader.size);
    const magic = hostedHeader.get('magic', raw);
    let sectors: bigint;
    if (magic === COWD_MAGIC) sectors = cowdSectors(device);
    else if (magic === HOSTED_MAGIC) {
      const head = hostedHeader.read(raw);
      if (head.capacity === 0n && head.descriptorOffset !== 0n) {
        const at = Number(head.descriptorOffset) * SECTOR;
        if (at > device.size) throw corrupt('VMDK header: the description lies past the end of the file.');
        sectors = describedSectors(device, at);
      } else sectors = hostedSectors(device, head);
    } else sectors = describedSectors(device, 0);
    checkIds(device, idsOffset(magic));
    return diskSize('VMDK', sectors * BigInt(SECTOR));
  },

  backing(device) {
    const magic = hostedHeader.get('magic', readBytes(device, 0, hostedHeader.size));
    const name = parentName(device, idsOffset(magic));
    return name === undefined ? undefined : { name, format: 'vmdk' };
  },
};
