/** The open file's name, what it is in one line, and what can be done with it as a whole. */
import { useEffect, useState } from 'react';
import { formatBytes } from '../../engine/bytes/units.ts';
import type { OpenOrder, OpenReport } from '../../worker/open/protocol.ts';
import { RefusedIcon } from '../icons.tsx';
import { formatSeconds } from '../measure.tsx';
import { useEscape } from '../use-escape.ts';
import { Chooser } from './chooser.tsx';
import { type OpenImageHandle, type Opening, wordsOf } from './use-image.ts';

function lineOf({ format, virtualSize, length, packed, problem, wrapping }: OpenReport): string {
  if (wrapping) return `${formatBytes(length)}: ${wrapping.name}, not a disk image.`;
  const from = packed ? `, unpacked from ${formatBytes(packed.length)}` : '';
  if (problem || virtualSize === undefined) return `A ${format} file of ${formatBytes(length)}${from}.`;
  if (format === 'raw') return `A raw disk of ${formatBytes(virtualSize)}${from}, read in place and never changed.`;
  return `A ${formatBytes(virtualSize)} disk in a ${formatBytes(length)} ${format} file${from}, read in place and never changed.`;
}

/** Bytes read so far, asked for now and then while something is read. */
function ReadSoFar({ image, length }: { readonly image: OpenImageHandle; readonly length: number }) {
  const [bytes, setBytes] = useState<number>();
  useEffect(() => {
    let gone = false;
    const look = () => {
      image.ask({ kind: 'meter' }).then(
        (read) => !gone && setBytes(read),
        () => {},
      );
    };
    look();
    const timer = setInterval(look, 2000);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [image]);
  if (bytes === undefined || bytes === 0) return null;
  return (
    <p className="file__read" data-bytes-read={bytes}>
      {bytes <= length
        ? `${formatBytes(bytes)} of ${formatBytes(length)} read so far.`
        : `${formatBytes(bytes)} read so far, parts of it more than once.`}
    </p>
  );
}

interface Props {
  readonly order: OpenOrder;
  readonly opening: Opening;
  readonly image: OpenImageHandle | undefined;
  readonly onAgain: () => void;
  readonly onFiles: (files: readonly File[]) => void;
  readonly onConvert: () => void;
  readonly onClose: () => void;
}

export function FileHead({ order, opening, image, onAgain, onFiles, onConvert, onClose }: Props) {
  const name = opening.state === 'open' ? opening.report.name : (order.files[0]?.file.name ?? 'file');
  const progress = opening.state === 'opening' ? opening.progress : undefined;
  useEscape(opening.state === 'opening' ? opening.cancel : undefined);
  return (
    <div className="file">
      <div className="file__what">
        <h1>{name}</h1>
        <p role="status">
          {opening.state === 'opening' && (progress ? `${progress.phase} …` : 'Opening …')}
          {opening.state === 'failed' && !opening.cancelled && (
            <span className="verdict verdict--bad">
              <RefusedIcon />
              {wordsOf(opening.error)}
            </span>
          )}
          {opening.state === 'failed' && opening.cancelled && 'Not opened: it was cancelled.'}
          {opening.state === 'open' && lineOf(opening.report)}
        </p>
        {opening.state === 'open' && image && !opening.report.packed && (
          <ReadSoFar image={image} length={opening.report.length} />
        )}
        {progress && progress.total > 0 && (
          <>
            <progress value={progress.done} max={progress.total} aria-label={progress.phase} />
            <p className="file__read">
              {formatBytes(progress.done)} of {formatBytes(progress.total)}
              {progress.eta !== undefined && `, ${formatSeconds(progress.eta)} left`}
            </p>
          </>
        )}
      </div>
      <div className="file__end">
        {opening.state === 'opening' && (
          <button className="btn" type="button" onClick={opening.cancel}>
            Cancel
          </button>
        )}
        {opening.state !== 'opening' && (
          <button className="btn" type="button" onClick={onAgain}>
            Read again
          </button>
        )}
        {opening.state === 'open' && opening.report.wrapping === undefined && (
          <button className="btn" type="button" onClick={onConvert}>
            Convert this image
          </button>
        )}
        <Chooser label="Open another" name="Image files" multiple onFiles={onFiles} />
        <button className="btn" type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </div>
  );
}
