/** What is written before the guest writes: four new images of the same disk. */
import type { EngineClient } from '../../worker/engine-client.ts';
import { FilePicture } from '../picture/file-picture.tsx';
import { useForecasts } from './use-forecasts.ts';

const MODES = ['off', 'metadata', 'full'] as const;
const REQUESTS = MODES.map((preallocation) => ({ size: '32G', preallocation }));

export function PreallocationPart({ client }: { readonly client: EngineClient }) {
  const reports = useForecasts(client, REQUESTS);
  return (
    <>
      <p>Preallocation decides how much of the file is there before the guest writes its first byte.</p>
      <ul>
        <li>
          <b>off</b>: the header and the first tables. The file grows as the guest writes. A file of a few hundred KiB
          for a disk of 32 GiB is right and whole.
        </li>
        <li>
          <b>metadata</b>: all tables, too. The file is as long as the disk, but its data is a hole that takes no space
          on Linux, on macOS, and in programs that know holes. Copied without care it takes its full length.
        </li>
        <li>
          <b>falloc</b>: the space is reserved where the host can do that; a browser cannot and writes zeros.
        </li>
        <li>
          <b>full</b>: zeros are written into every cluster. Slow to make, and nothing can run out of space later.
        </li>
      </ul>
      <p>
        With a backing file there is nothing to lay out: a cluster that is there would hide what lies below it. Only
        extended L2 can have both.
      </p>
      <p>The new file of a 32 GiB disk:</p>
      {MODES.map((mode, index) => {
        const file = reports[index]?.now;
        return file && <FilePicture key={mode} title={mode} file={file} />;
      })}
    </>
  );
}
