/** Recognises VHDX images and reads their size (Microsoft's [MS-VHDX], as QEMU 7.2 checks it). */
import type { FormatDriver } from '../../image/format.ts';
import { diskSize, holdsText, notThisFormat } from '../../image/recognise.ts';
import { checkBlockTable } from './block-table.ts';
import { checkLog, currentHeader } from './header.ts';
import { readMetadata } from './metadata.ts';
import { readRegions } from './regions.ts';

const SIGNATURE = 'vhdxfile';

export const vhdxDriver: FormatDriver = {
  probe(device) {
    return holdsText(device, 0, SIGNATURE) ? '"vhdxfile" at 0' : undefined;
  },

  virtualSize(device) {
    if (!holdsText(device, 0, SIGNATURE)) throw notThisFormat('Not a VHDX image: it does not begin with "vhdxfile".');
    const head = currentHeader(device);
    checkLog(device, head);
    const regions = readRegions(device, head);
    const metadata = readMetadata(device, regions.metadata.start);
    checkBlockTable(device, regions, metadata);
    return diskSize('VHDX', metadata.diskSize);
  },
};
