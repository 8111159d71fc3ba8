/** One file to scale: the whole of it in a strip, and what is too thin there enlarged below. */
import { formatBytes } from '../../engine/bytes/units.ts';
import type { FileReport } from '../../jobs/forecast.ts';
import { formatPercent } from '../measure.tsx';
import { type Caption, drawFile } from './drawing.ts';
import { partName } from './parts.ts';
import { Strip } from './strip.tsx';

/** `Header 64 KiB, L1 table 512 bytes`. */
const inWords = (captions: readonly Caption[]): string =>
  captions.map(({ part, count, bytes }) => `${partName(part, count)} ${formatBytes(bytes)}`).join(', ');

function noteOf(file: FileReport, enlarged: ReturnType<typeof drawFile>['enlarged']): string {
  if (enlarged) {
    const name = partName(enlarged.dominant, file.parts.find((one) => one.part === enlarged.dominant)?.count ?? 1);
    const percent = `${formatPercent(enlarged.share)}\u00a0%`;
    const rest = enlarged.dominant === 'data' ? `${percent} metadata` : `the other ${percent}`;
    return `${name}; ${rest} enlarged below`;
  }
  if (file.written === 0 && file.length > 0) return 'one hole: takes no space yet';
  return file.written < file.length ? `${formatBytes(file.written)} of it written` : '';
}

interface Props {
  readonly title: string;
  readonly file: FileReport;
}

export function FilePicture({ title, file }: Props) {
  const { bars, captions, enlarged } = drawFile(file);
  return (
    <div className="scale">
      <p className="scale__row">
        <span>
          <b>{title}</b> {formatBytes(file.length)}
        </span>
        <span>{noteOf(file, enlarged)}</span>
      </p>
      {file.length === 0 ? (
        <div className="strip strip--empty" role="img" aria-label={`${title}: an empty file`} />
      ) : (
        <Strip
          bars={bars}
          captions={enlarged ? [] : captions}
          second="offset"
          label={`${title}: ${inWords(captions)}`}
          thin={enlarged !== undefined}
        />
      )}
      {enlarged && (
        <>
          <svg
            className={enlarged.gathered ? 'fan fan--gathered' : 'fan'}
            viewBox="0 0 100 16"
            preserveAspectRatio="none"
            aria-hidden="true"
          >
            <path
              d={`M0 0v16M${enlarged.gathered ? 100 : enlarged.until * 100} 0L100 16`}
              vectorEffect="non-scaling-stroke"
            />
          </svg>
          <Strip
            bars={enlarged.bars}
            captions={enlarged.bars}
            second="size"
            label={`Enlarged, ${formatBytes(enlarged.bytes)}: ${inWords(enlarged.bars)}`}
          />
        </>
      )}
    </div>
  );
}
