/** What the cluster size decides, on the same disk three times. */
import type { EngineClient } from '../../worker/engine-client.ts';
import { FilePicture } from '../picture/file-picture.tsx';
import { useForecasts } from './use-forecasts.ts';

const SIZES = ['4K', '64K', '2M'] as const;
const REQUESTS = SIZES.map((cluster_size) => ({ size: '32G', cluster_size }));

export function ClustersPart({ client }: { readonly client: EngineClient }) {
  const reports = useForecasts(client, REQUESTS);
  return (
    <>
      <p>
        A qcow2 file is cut into clusters of one size. A cluster holds a piece of the disk or a piece of a table, and
        the tables say which cluster holds which piece. The first write into a piece of the disk takes a whole new
        cluster.
      </p>
      <ul>
        <li>
          <b>Small clusters</b> copy little: a write of 4 KiB into a new cluster of 4 KiB brings nothing else along. But
          there are more of them, so the tables are longer, and QEMU has to keep more of them in memory.
        </li>
        <li>
          <b>Large clusters</b> need short tables and read fast in one go. But a small write over a backing file copies
          the rest of its cluster first, and a nearly empty disk takes more space.
        </li>
        <li>
          <b>64 KiB</b> is right for most disks. Extended L2 splits each cluster into 32 pieces and has some of both.
        </li>
      </ul>
      <p>
        A disk of 32 GiB, full, in clusters of 4 KiB, 64 KiB and 2 MiB. What is not guest data is enlarged below it:
      </p>
      {SIZES.map((size, index) => {
        const file = reports[index]?.full;
        return file && <FilePicture key={size} title={`Clusters of ${size.replace(/(.)$/, ' $1iB')}`} file={file} />;
      })}
    </>
  );
}
