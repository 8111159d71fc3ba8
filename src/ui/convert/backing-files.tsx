/** The image that the new one rests on: chosen here, because where the new image has only a part of a cluster it is read. */
import { useId, useState } from 'react';
import { DiskwrightError } from '../../engine/errors.ts';
import type { EngineClient } from '../../worker/engine-client.ts';
import type { SuppliedFile } from '../../worker/open/protocol.ts';
import type { FormAction } from '../create/state.ts';
import { FileIcon } from '../icons.tsx';
import { Chooser } from '../open/chooser.tsx';
import { means } from './grouping.ts';
import type { Image } from './use-images.ts';

/** Those of the chain of an image from the named one down; undefined: it does not rest on it. */
export function backingFrom({ order, look }: Image, name: string): readonly SuppliedFile[] | undefined {
  if (look.state !== 'known') return undefined;
  const { below } = look.report;
  const at = below.findIndex((one) => means(name, { file: { name: one.name } as File }));
  if (at < 0) return undefined;
  const names = new Set(below.slice(at).map((one) => one.name));
  return order.files.filter(({ file }) => names.has(file.name));
}

interface Props {
  readonly client: EngineClient;
  /** Name in the form so far; kept, because a path may stand there. */
  readonly name: string | undefined;
  /** Names of the files at hand. */
  readonly files: readonly string[];
  readonly onFiles: (files: readonly SuppliedFile[]) => void;
  readonly onAction: (action: FormAction) => void;
}

export function BackingFiles({ client, name, files, onFiles, onAction }: Props) {
  const note = useId();
  const [failure, setFailure] = useState<string>();

  async function choose(chosen: readonly File[]) {
    setFailure(undefined);
    onFiles(chosen.map((file) => ({ file })));
    const [first] = chosen;
    if (!first) return;
    try {
      const { format } = await client.identify(first);
      onAction({ type: 'set', texts: { backing_file: name || first.name, backing_fmt: format } });
    } catch (error) {
      setFailure(error instanceof DiskwrightError ? error.message : 'The browser could not open it.');
    }
  }

  return (
    <div className="field field--bare">
      <div>
        <Chooser
          label={
            <>
              <FileIcon />
              Choose the backing file
            </>
          }
          name="Backing file of the new image"
          multiple
          onFiles={(chosen) => void choose(chosen)}
        />
        <p className="help" id={note} role="status">
          {failure ??
            (files.length > 0
              ? `At hand: ${files.join(', ')}. What it already holds is not copied from it.`
              : 'It is read, not changed. Choose the files that it rests on along with it.')}
        </p>
      </div>
    </div>
  );
}
