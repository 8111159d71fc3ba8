/** The image is saved: what it is, how to know it again, and what to do with it. */
import { useEffect, useRef } from 'react';
import { formatBytes } from '../../engine/bytes/units.ts';
import type { EngineClient, SavedFile, SaveOrder, SaveReport, Sink } from '../../worker/engine-client.ts';
import { CopyButton } from '../copy-button.tsx';
import { secretIdOf } from '../create/encryption.ts';
import { CheckIcon } from '../icons.tsx';
import { exactBytes, formatMilliseconds } from '../measure.tsx';
import { CheckRow } from './check-row.tsx';
import { DigestRow, Hex } from './digest-row.tsx';
import { UseItTabs } from './use-it-tabs.tsx';
import { VerifyRow } from './verify-row.tsx';

const PLACES: Readonly<Record<Sink, string>> = {
  blob: "In your browser's downloads.",
  picked: 'In the place you chose.',
  stream: "In your browser's downloads.",
  opfs: "In your browser's downloads.",
};

interface Props {
  readonly client: EngineClient;
  readonly order: SaveOrder;
  readonly report: SaveReport;
  readonly guestSize: number | undefined;
  readonly onAnother: () => void;
  readonly onAgain: () => void;
}

interface FileRowProps {
  readonly file: SavedFile;
  readonly guestSize: number | undefined;
  readonly gzip: boolean;
}

/** Both sizes of a file, and why a small one is no mistake. */
function FileRow({ file, guestSize, gzip }: FileRowProps) {
  const disk = guestSize === undefined ? '' : `, a ${formatBytes(guestSize)} disk for the guest`;
  const sparse = file.written < file.length;
  const small = guestSize !== undefined && file.length < guestSize;
  let note = `${exactBytes(file.length)}.`;
  if (gzip) note += ' Compressed: unpack it before use.';
  else if (sparse) note = `${formatBytes(file.written)} of it written, the rest is a hole.`;
  else if (small) note += ' Small is right: an empty disk is only its tables.';
  return (
    <div>
      <dt>File</dt>
      <dd>
        {formatBytes(file.length)} in the file{disk}
        <small>{note}</small>
      </dd>
    </div>
  );
}

function Proof({ client, order, report, guestSize }: Omit<Props, 'onAnother' | 'onAgain'>) {
  return report.files.map((file, index) => (
    <section key={file.name} aria-label={file.name}>
      {report.files.length > 1 && <h2 className="proof__file">{file.name}</h2>}
      <dl className="proof">
        <FileRow file={file} guestSize={index === 0 ? guestSize : undefined} gzip={order.gzip} />
        {index === 0 && report.check && <CheckRow check={report.check} />}
        <DigestRow client={client} order={order} file={file} which={index === 0 ? 'image' : 'data'} />
        {file.layoutDigest !== undefined && (
          <div>
            <dt>Layout digest</dt>
            <dd>
              <Hex hex={file.layoutDigest} />
              <small>
                SHA-256 over the length and the written runs, holes skipped:{' '}
                {secretIdOf(order.texts) === undefined
                  ? 'the same recipe gives the same digest, at any size.'
                  : 'its keys are random, so only a copy of this very file has it.'}
              </small>
            </dd>
            <dd>
              <CopyButton text={file.layoutDigest} what={`layout digest of ${file.name}`} />
            </dd>
          </div>
        )}
        <VerifyRow file={file} gzip={order.gzip} />
      </dl>
    </section>
  ));
}

export function FinishedPage({ client, order, report, guestSize, onAnother, onAgain }: Props) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  const [image, data] = report.files;
  const file = image?.name ?? order.fileName;
  const names = report.files.map((one) => one.name).join(' and ');
  return (
    <div className="done">
      <div className="done__head">
        <span>
          <CheckIcon />
        </span>
        <div>
          <h1 ref={title} tabIndex={-1}>
            {names} {report.files.length > 1 ? 'are' : 'is'} saved
          </h1>
          <p>
            {image && PLACES[image.sink]} Built in {formatMilliseconds(report.milliseconds)}.
          </p>
        </div>
      </div>
      <Proof client={client} order={order} report={report} guestSize={guestSize} />
      <UseItTabs
        saved={{
          file,
          format: order.format,
          gzip: order.gzip,
          dataFile: data && { file: data.name, stored: order.texts['data_file'] ?? data.name },
          backingFile: order.texts['backing_file'],
          secret: secretIdOf(order.texts),
        }}
      />
      <div className="next">
        <button className="btn" type="button" onClick={onAnother}>
          Build another
        </button>
        <button className="btn" type="button" onClick={onAgain}>
          Save again
        </button>
      </div>
    </div>
  );
}
