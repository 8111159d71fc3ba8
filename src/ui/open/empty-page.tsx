/** Nothing is open: what can be, and how. */
import { FileIcon } from '../icons.tsx';
import { Chooser } from './chooser.tsx';

export function EmptyPage({ onFiles }: { readonly onFiles: (files: readonly File[]) => void }) {
  return (
    <main className="page page--empty">
      <div className="empty">
        <h1>Look inside a disk image</h1>
        <p>
          Drop a file anywhere on this page, paste it, or choose it. It is read in place: not uploaded, not changed, any
          size.
        </p>
        <Chooser
          label={
            <>
              <FileIcon />
              Choose a file
            </>
          }
          name="Image files"
          className="btn btn--accent"
          multiple
          onFiles={onFiles}
        />
        <dl className="empty__facts">
          <div>
            <dt>qcow2</dt>
            <dd>Everything: summary, map of all clusters, named bytes, check, partitions, parts saved as files.</dd>
          </div>
          <div>
            <dt>raw, img, iso</dt>
            <dd>Partition table, file systems, bytes, partitions saved as files. Unpacked from .gz on the way.</dd>
          </div>
          <div>
            <dt>vmdk, vdi, vhd, vhdx and others</dt>
            <dd>What they are and how large their disk is; their data cannot be read here so far.</dd>
          </div>
          <div>
            <dt>A chain</dt>
            <dd>Choose or drop an image together with its backing files and its data file.</dd>
          </div>
        </dl>
      </div>
    </main>
  );
}
