/** Changes files as the page does, on this host: the result is put together from the overlay's pieces. */
import { closeSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { OverlayDevice } from '../engine/device/overlay.ts';
import { findFormat } from '../engine/formats/index.ts';
import type { Chain } from '../engine/image/access.ts';
import type { FormatDriver, FormatEditor } from '../engine/image/format.ts';
import type { Moment } from '../engine/image/writable.ts';
import { type CarriedOut, carryOutInPlace, carryOutRewriting, type PlannedChange } from '../jobs/change/carry-out.ts';
import type { ChangeInPlace, Rewriting } from '../jobs/change/change.ts';
import { type OpenedChain, openChain, openImageFile } from '../platform/node/open-images.ts';

export interface ChangeDetail {
  readonly now?: Moment;
  /** File of the new backing image, for a safe rebase. */
  readonly fresh?: string;
  readonly mostOwn?: number;
  /** The image's data file. */
  readonly data?: string;
}

const PIECE = 1024 * 1024;

/** Writes the finished file, holes left out. */
function writeOut(overlay: OverlayDevice, file: string): void {
  const fd = openSync(file, 'w');
  const buffer = new Uint8Array(PIECE);
  for (const piece of overlay.pieces()) {
    if (piece.kind === 'hole' || piece.kind === 'zeros') continue;
    for (let done = 0; done < piece.length; done += PIECE) {
      const part = buffer.subarray(0, Math.min(PIECE, piece.length - done));
      if (piece.kind === 'reference') piece.source.read(piece.from + done, part);
      else overlay.read(piece.at + done, part);
      writeSync(fd, part, 0, part.length, piece.at + done);
    }
  }
  ftruncateSync(fd, overlay.size);
  closeSync(fd);
}

async function loaded(format: string): Promise<{ driver: FormatDriver; editor: FormatEditor }> {
  const driver = await findFormat(format)?.load();
  const editor = await driver?.editor?.();
  if (!driver || !editor) throw new Error(`${format} images cannot be changed`);
  return { driver, editor };
}

const belowOf = ({ chain: [, nearest, ...rest] }: OpenedChain): Chain | undefined => nearest && [nearest, ...rest];

function finish(steps: Generator<unknown, CarriedOut>): CarriedOut {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

const now: Moment = { seconds: 1_700_000_000, nanoseconds: 0 };
const common = { resultName: 'result.qcow2', now, mostOwn: 192 * 1024 * 1024 };

export async function changeFile(
  file: string,
  change: ChangeInPlace,
  result: string,
  { fresh, data, ...detail }: ChangeDetail = {},
): Promise<PlannedChange> {
  const options = { cwd: dirname(file), share: true };
  const image = await openImageFile({ name: file }, options);
  const reads = change.kind === 'resize' || (change.kind === 'rebase' && change.mode === 'safe');
  const old = reads ? await openChain({ name: file }, options) : undefined;
  const dataFile = data === undefined ? undefined : await openImageFile({ name: data, format: 'raw' }, options);
  const newOne = fresh === undefined ? undefined : await openChain({ name: fresh }, options);
  const top = newOne && statSync(fresh as string).ino;
  const above = old?.layers.slice(1).findIndex(({ stat }) => stat.ino === top) ?? -1;
  try {
    const done = finish(
      carryOutInPlace(
        {
          ...common,
          ...detail,
          ...(await loaded(image.format)),
          name: 'disk.qcow2',
          format: image.format,
          base: image.device,
          data: dataFile?.device,
          backing: old && belowOf(old),
          fresh: newOne?.chain,
          ...(above < 0 ? {} : { above }),
        },
        change,
      ),
    );
    writeOut(done.overlay, result);
    return done.planned;
  } finally {
    image.device.close();
    dataFile?.device.close();
    old?.close();
    newOne?.close();
  }
}

export async function rewriteFile(
  file: string,
  change: Rewriting,
  result: string,
  { mostOwn = common.mostOwn }: Pick<ChangeDetail, 'mostOwn'> = {},
): Promise<PlannedChange> {
  const options = { cwd: dirname(file), share: true };
  const snapshot = change.kind === 'snapshot-extract' ? { ...change.snapshot } : undefined;
  const image = await openImageFile({ name: file }, options);
  const opened = await openChain({ name: file }, { ...options, snapshot });
  const fresh = await loaded(change.kind === 'compact' ? image.format : change.format);
  try {
    const done = finish(
      carryOutRewriting(
        {
          ...common,
          mostOwn,
          ...(await loaded(image.format)),
          name: 'disk.qcow2',
          format: image.format,
          base: image.device,
          source: {
            chain: opened.chain,
            clusterSizes: opened.layers.map(({ driver, device }) => driver.describe?.(device).clusterSize),
          },
          newDriver: fresh.driver,
          newEditor: fresh.editor,
        },
        change,
      ),
    );
    writeOut(done.overlay, result);
    return done.planned;
  } finally {
    image.device.close();
    opened.close();
  }
}
