/** SHA-256 of a saved file: at hand up to 4 GiB, above that computed when asked for. */
import { useEffect, useRef, useState } from 'react';
import { formatBytes } from '../../engine/bytes/units.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import type { EngineClient, SavedFile, SaveOrder, SaveProgress } from '../../worker/engine-client.ts';
import { CopyButton } from '../copy-button.tsx';
import { formatPercent, formatSeconds } from '../measure.tsx';

interface Props {
  readonly client: EngineClient;
  readonly order: SaveOrder;
  readonly file: SavedFile;
  readonly which: 'image' | 'data';
}

type Digest =
  | { readonly state: 'none' }
  | { readonly state: 'running'; readonly progress: SaveProgress | undefined }
  | { readonly state: 'done'; readonly hex: string }
  | { readonly state: 'failed'; readonly why: string };

/** 64 hex digits in two halves, which may stand on two lines. */
export function Hex({ hex }: { readonly hex: string }) {
  return (
    <span className="hash">
      {hex.slice(0, 32)}
      <wbr />
      {hex.slice(32)}
    </span>
  );
}

function Running({ progress, name }: { readonly progress: SaveProgress | undefined; readonly name: string }) {
  const share = progress && progress.total > 0 ? progress.done / progress.total : 0;
  return (
    <>
      <progress value={share} max={1} aria-label={`SHA-256 of ${name}`} />
      <small>
        {formatPercent(share)} %{progress?.eta === undefined ? '' : `, ${formatSeconds(progress.eta)} left`}
      </small>
    </>
  );
}

export function DigestRow({ client, order, file, which }: Props) {
  const [digest, setDigest] = useState<Digest>(
    file.sha256 === undefined ? { state: 'none' } : { state: 'done', hex: file.sha256 },
  );
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);

  async function compute() {
    const controller = new AbortController();
    abort.current = controller;
    setDigest({ state: 'running', progress: undefined });
    const onProgress = (progress: SaveProgress) => {
      if (!controller.signal.aborted) setDigest({ state: 'running', progress });
    };
    try {
      const hex = await client.digest(order, which, onProgress, controller.signal);
      if (!controller.signal.aborted) setDigest({ state: 'done', hex });
    } catch (error) {
      if (controller.signal.aborted) return;
      setDigest({ state: 'failed', why: error instanceof DiskwrightError ? error.message : String(error) });
    }
  }

  function stop() {
    abort.current?.abort();
    setDigest({ state: 'none' });
  }

  return (
    <div>
      <dt>SHA-256</dt>
      <dd>
        {digest.state === 'done' && <Hex hex={digest.hex} />}
        {digest.state === 'running' && <Running progress={digest.progress} name={file.name} />}
        {digest.state === 'none' && <small>Reads all {formatBytes(file.length)}, holes too: it takes its time.</small>}
        {digest.state === 'failed' && <small>Not computed: {digest.why}</small>}
      </dd>
      <dd>
        {digest.state === 'done' ? (
          <CopyButton text={digest.hex} what={`SHA-256 of ${file.name}`} />
        ) : digest.state === 'running' ? (
          <button className="btn btn--sm btn--quiet" type="button" onClick={stop}>
            Stop
          </button>
        ) : (
          <button className="btn btn--sm" type="button" onClick={compute}>
            Compute SHA-256
          </button>
        )}
      </dd>
    </div>
  );
}
