/** Lets the person choose the backing file itself, so that its format and size need not be known by heart. */
import { useId, useRef, useState } from 'react';
import { printQemuSize } from '../../engine/bytes/size-text.ts';
import { formatBytes } from '../../engine/bytes/units.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import type { EngineClient, Identified } from '../../worker/engine-client.ts';
import { FileIcon } from '../icons.tsx';
import type { FormAction } from './state.ts';

interface Props {
  readonly client: EngineClient;
  /** Name in the form so far; kept, because a path may stand there. */
  readonly name: string | undefined;
  readonly onAction: (action: FormAction) => void;
}

type Finding =
  | { readonly state: 'none' }
  | { readonly state: 'reading'; readonly file: string }
  | { readonly state: 'found'; readonly file: string; readonly image: Identified }
  | { readonly state: 'failed'; readonly file: string; readonly why: string };

function wordsOf(finding: Finding): string {
  switch (finding.state) {
    case 'none':
      return 'Only its header is read. It is not changed and goes nowhere.';
    case 'reading':
      return `Reading ${finding.file} …`;
    case 'failed':
      return `${finding.file} was not read: ${finding.why}`;
    case 'found': {
      const { format, virtualSize, reason } = finding.image;
      const size = virtualSize === undefined ? '' : `, a ${formatBytes(virtualSize)} disk`;
      return `${finding.file}: ${format}${size} (${reason}). Format${size ? ' and size are' : ' is'} filled in.`;
    }
  }
}

export function BackingChooser({ client, name, onAction }: Props) {
  const [finding, setFinding] = useState<Finding>({ state: 'none' });
  const input = useRef<HTMLInputElement>(null);
  const note = useId();

  async function read(file: File) {
    setFinding({ state: 'reading', file: file.name });
    try {
      const image = await client.identify(file);
      setFinding({ state: 'found', file: file.name, image });
      const size = image.virtualSize === undefined ? {} : { size: printQemuSize(BigInt(image.virtualSize)) };
      onAction({ type: 'set', texts: { backing_file: name || file.name, backing_fmt: image.format, ...size } });
    } catch (error) {
      const why = error instanceof DiskwrightError ? error.message : 'the browser could not open it.';
      setFinding({ state: 'failed', file: file.name, why });
    }
  }

  return (
    <div className="field field--bare">
      <div>
        <button className="btn" type="button" aria-describedby={note} onClick={() => input.current?.click()}>
          <FileIcon />
          Choose the file to read its size
        </button>
        <input
          ref={input}
          type="file"
          hidden
          aria-label="Backing file"
          onChange={(event) => {
            const file = event.target.files?.[0];
            // The same file may be chosen again after it changed.
            event.target.value = '';
            if (file) void read(file);
          }}
        />
        <p className="help" id={note} role="status">
          {wordsOf(finding)}
        </p>
      </div>
    </div>
  );
}
