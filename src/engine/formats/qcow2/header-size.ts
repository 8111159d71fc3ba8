/** How long the header with its extensions is; shared by the rules (is there room?) and the writer. */
import { roundUp } from '../../bytes/math.ts';
import { encodeUtf8 } from '../../bytes/text.ts';

export const V2_HEADER_BYTES = 72;
export const V3_HEADER_BYTES = 112;
/** Eight entries of 48 bytes. */
export const FEATURE_TABLE_BYTES = 8 * 48;

const CRYPTO_POINTER_BYTES = 16;

/** Type, length and padded data of one extension. */
const extensionBytes = (dataBytes: number): number => 8 + roundUp(dataBytes, 8);

/** The feature name table is written only for v3 and only when clusters exceed 4 KiB. */
export const hasFeatureTable = (compat: '0.10' | '1.1', clusterSize: number): boolean =>
  compat === '1.1' && clusterSize > 4096;

/** Offset just behind the end marker of the extensions: where a backing file name begins. */
export function headerEnd(values: {
  readonly clusterSize: bigint;
  readonly compat: '0.10' | '1.1';
  readonly backingFormat: string | undefined;
  readonly dataFile: string | undefined;
  readonly encryptFormat?: string | undefined;
}): number {
  let end = values.compat === '1.1' ? V3_HEADER_BYTES : V2_HEADER_BYTES;
  if (values.backingFormat !== undefined) end += extensionBytes(encodeUtf8(values.backingFormat).length);
  if (values.dataFile !== undefined) end += extensionBytes(encodeUtf8(values.dataFile).length);
  if (values.encryptFormat === 'luks') end += extensionBytes(CRYPTO_POINTER_BYTES);
  if (hasFeatureTable(values.compat, Number(values.clusterSize))) end += extensionBytes(FEATURE_TABLE_BYTES);
  return end + 8;
}
