/** A conversion that ended in a file: the verdict, the sizes before and after, the digest, and what to do with it. */
import { formatBytes } from '../../engine/bytes/units.ts';
import type { ConvertedFile, ConvertReport } from '../../worker/convert/protocol.ts';
import type { Sink } from '../../worker/engine-client.ts';
import { CopyButton } from '../copy-button.tsx';
import { secretIdOf } from '../create/encryption.ts';
import { TurnIcon } from '../icons.tsx';
import { CheckRow } from '../job/check-row.tsx';
import { Hex } from '../job/digest-row.tsx';
import { UseItTabs } from '../job/use-it-tabs.tsx';
import { exactBytes, formatMilliseconds, formatPercent } from '../measure.tsx';
import type { Task } from './use-conversions.ts';

const PLACES: Readonly<Record<Sink, string>> = {
  blob: "in your browser's downloads",
  picked: 'in the place you chose',
  stream: "in your browser's downloads",
  opfs: "in your browser's downloads",
};

/** Behind where it comes from: where it went, and how long that took. */
export function whereOf({ files: [image], milliseconds }: ConvertReport): string {
  return `, in ${formatMilliseconds(milliseconds)}. ${image ? `It is ${PLACES[image.sink]}.` : ''}`;
}

/** The tab that fits what was converted for. */
const GUIDES: Readonly<Record<string, string>> = { qemu: 'QEMU', proxmox: 'Proxmox', utm: 'UTM' };

function SizeRow({ report, image }: { readonly report: ConvertReport; readonly image: ConvertedFile }) {
  const length = report.files.reduce((sum, file) => sum + file.length, 0);
  const { sourceLength, virtualSize, packed } = report;
  const share = sourceLength > 0 ? length / sourceLength : 1;
  const notes = [`A ${formatBytes(virtualSize)} disk for the guest.`];
  if (packed && packed.from > 0) notes.push(`Compressed to ${formatPercent(packed.to / packed.from)} % of the data.`);
  if (image.written < image.length) {
    notes.push(
      `${formatBytes(image.written)} of it written, the rest ${image.sink === 'picked' ? 'is a hole' : 'is zeros'}.`,
    );
  }
  return (
    <div>
      <dt>Size</dt>
      <dd>
        <span className="shrunk">
          <span>{formatBytes(sourceLength)}</span>
          <span aria-hidden="true">→</span>
          <span className="sr">became</span>
          <b className="shrunk__to">{formatBytes(length)}</b>
          <span className="u">{share <= 2 ? `${formatPercent(share)} %` : `${share.toFixed(1)} times`}</span>
        </span>
        <small>
          {exactBytes(length)}. {notes.join(' ')}
        </small>
      </dd>
    </div>
  );
}

interface Props {
  readonly task: Task;
  readonly report: ConvertReport;
  /** With its next steps unfolded. */
  readonly open: boolean;
  readonly onAgain: () => void;
  readonly onLook: (files: readonly File[]) => void;
}

export function Saved({ task, report, open, onAgain, onLook }: Props) {
  const [image, data] = report.files;
  if (!image) return null;
  const { format, texts } = task.prepared.order;
  const stored = texts['data_file'];
  return (
    <div className="task__body">
      <dl className="proof proof--task">
        <SizeRow report={report} image={image} />
        {report.check && <CheckRow check={report.check} />}
        {report.files.map(
          (file) =>
            file.sha256 !== undefined && (
              <div key={file.name}>
                <dt>SHA-256{report.files.length > 1 ? ` of ${file.name}` : ''}</dt>
                <dd>
                  <Hex hex={file.sha256} />
                </dd>
                <dd>
                  <CopyButton text={file.sha256} what={`SHA-256 of ${file.name}`} />
                </dd>
              </div>
            ),
        )}
      </dl>
      <div className="task__next">
        {image.file && (
          <button className="btn" type="button" onClick={() => onLook(filesOf(report))}>
            Look inside
          </button>
        )}
        <button className="btn" type="button" onClick={onAgain}>
          Convert again
        </button>
      </div>
      <details className="fold fold--use" open={open}>
        <summary>
          <TurnIcon />
          <span className="fold__title">Use it</span>
          <span className="fold__summary">QEMU, virt-manager, Proxmox, UTM</span>
        </summary>
        <div className="fold__body">
          <UseItTabs
            first={GUIDES[task.target.preset ?? '']}
            saved={{
              file: image.name,
              format,
              gzip: false,
              dataFile: data && { file: data.name, stored: stored ?? data.name },
              backingFile: texts['backing_file'],
              secret: secretIdOf(texts),
            }}
          />
        </div>
      </details>
    </div>
  );
}

/** What was saved, as files that Open takes. */
function filesOf({ files }: ConvertReport): File[] {
  return files.flatMap(({ name, file }) => {
    if (!file) return [];
    return [file instanceof File && file.name === name ? file : new File([file], name)];
  });
}
