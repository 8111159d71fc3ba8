/**
 * What an image cannot become (contract: operations.md, amend). All of it is found before anything is changed; QEMU
 * finds some of it half-way.
 */
import { decodeUtf8, encodeUtf8 } from '../../../bytes/text.ts';
import { DiskwrightError } from '../../../errors.ts';
import { Autoclear, Incompatible } from '../features.ts';
import { refuseResize } from '../resize/resize.ts';
import { encodeHeaderCluster, type HeaderContents } from '../rewrite-header.ts';
import type { ImageState } from '../state.ts';
import type { AmendRequest } from './request.ts';

const MAX_32 = 2n ** 32n - 1n;
const AMEND_TO_V3 = 'Amend it to compat=1.1.';

function refuse(option: string, why: string, fix?: string): never {
  throw new DiskwrightError('invalid-option', `qcow2: ${why}.`, fix === undefined ? { option } : { option, fix });
}

/** What a header of version 2 has no place for. */
export const WITHOUT_V3: Partial<HeaderContents> = { unknownFields: new Uint8Array(0), bitmaps: undefined };

export function refuseAmend(state: ImageState, request: AmendRequest): void {
  const version = request.version ?? state.header.version;
  refuseWidths(request, version, state.header.refcountBits);
  refuseFiles(state, request);
  if (version === 2) {
    if (request.lazyRefcounts) refuse('lazy_refcounts', 'version 2 has no lazy refcounts', AMEND_TO_V3);
    if (state.header.version === 3) refuseDowngrade(state, request);
  }
  if (request.size !== undefined) {
    // The newer of both: an image is upgraded before it is resized, and downgraded after.
    const during = version === 2 ? state.header.version : version;
    refuseResize(state, { size: request.size, preallocation: 'off' }, during);
  }
  // What does not fit is told before the first step.
  const contents = amendedContents(state, request);
  if (version === 3) encodeHeaderCluster({ ...state.header, version }, contents);
  else {
    encodeHeaderCluster(state.header, contents);
    encodeHeaderCluster({ ...state.header, version }, { ...contents, ...WITHOUT_V3 });
  }
}

/** Contents of the header with the name of the data file that is asked for. */
export function amendedContents({ contents }: ImageState, { dataFile }: AmendRequest): HeaderContents {
  if (dataFile === undefined) return contents;
  return { ...contents, dataFileName: dataFile === '' ? undefined : encodeUtf8(dataFile) };
}

function refuseWidths({ refcountBits }: AmendRequest, version: 2 | 3, present: number): void {
  if (version === 3 || (refcountBits ?? present) === 16) return;
  const fix = refcountBits === undefined ? 'Amend refcount_bits=16 too.' : AMEND_TO_V3;
  refuse('refcount_bits', 'version 2 has refcounts of 16 bits and no others', fix);
}

const sameText = (text: string | undefined, stored: Uint8Array | undefined): boolean =>
  text === undefined ? stored === undefined : stored !== undefined && decodeUtf8(stored) === text;

function refuseFiles(state: ImageState, { dataFile, dataFileRaw, backingFile, backingFormat }: AmendRequest): void {
  const { external, contents, header } = state;
  if (dataFile !== undefined && !external) {
    refuse('data_file', 'only an image that has a data file can get another name for it');
  }
  if (dataFileRaw && (header.autoclear & Autoclear.rawExternalData) === 0n) {
    refuse('data_file_raw', 'whether the data file is the disk as it is was chosen when the image was made');
  }
  if (backingFile === undefined && backingFormat === undefined) return;
  if (sameText(backingFile, contents.backingName) && sameText(backingFormat, contents.backingFormat)) return;
  refuse('backing_file', 'amending does not change what the image rests on', 'That is what rebase does.');
}

function refuseDowngrade(state: ImageState, { size }: AmendRequest): void {
  const { header, external, snapshots } = state;
  // Zeros are written where version 2 cannot say them.
  state.cipher?.insistUnlocked();
  if (external) refuse('compat', 'version 2 has no data files');
  const diskSize = BigInt(size ?? header.virtualSize);
  for (const snapshot of snapshots) {
    const what = `snapshot "${snapshot.name}"`;
    if (snapshot.diskSize !== diskSize) {
      refuse('compat', `${what} has another size than the disk, which version 2 cannot say`, 'Delete it.');
    }
    if (snapshot.vmStateSize > MAX_32) {
      refuse('compat', `${what} holds a machine of more than 4 GiB, which version 2 cannot say`, 'Delete it.');
    }
  }
  if ((header.incompatible & Incompatible.extendedL2) !== 0n) {
    refuse('compat', 'version 2 has no extended L2', 'Convert the disk to a new image.');
  }
}
