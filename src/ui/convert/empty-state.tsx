/** Nothing to convert yet: what can be, and how. */
import { FileIcon } from '../icons.tsx';
import { Chooser } from '../open/chooser.tsx';

interface Props {
  readonly onFiles: (files: readonly File[]) => void;
}

export function EmptyState({ onFiles }: Props) {
  return (
    <main className="page page--convert-empty">
      <div className="begin">
        <h1>Convert disk images</h1>
        <p>
          Drop images anywhere on this page, paste them, or choose them. They are read in place: not uploaded, not
          changed, any size.
        </p>
        <Chooser
          label={
            <>
              <FileIcon />
              Choose images
            </>
          }
          name="Images to convert"
          className="btn btn--accent"
          multiple
          onFiles={onFiles}
        />
        <dl className="begin__facts">
          <div>
            <dt>From</dt>
            <dd>qcow2 in every variety, raw, img and iso; a .gz is unpacked on the way.</dd>
          </div>
          <div>
            <dt>To</dt>
            <dd>qcow2 with all its options, plain or compressed, or raw. Runs of zeros are left out.</dd>
          </div>
          <div>
            <dt>A chain</dt>
            <dd>Choose an image together with its backing files and its data file: they become one disk.</dd>
          </div>
          <div>
            <dt>Several images</dt>
            <dd>Each becomes a job; they run one after the other.</dd>
          </div>
        </dl>
      </div>
    </main>
  );
}
