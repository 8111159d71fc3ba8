/**
 * A file dropped anywhere on the window, or pasted, goes to Open. Uncaught it would make the browser leave the page
 * and lose the form.
 */
import { useEffect, useRef, useState } from 'react';
import { CheckIcon } from '../icons.tsx';

const carriesFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;

/** Whether files are held over the window. */
function useFileDrag(onFiles: (files: readonly File[]) => void): boolean {
  const [over, setOver] = useState(false);
  const take = useRef(onFiles);
  useEffect(() => {
    take.current = onFiles;
  }, [onFiles]);
  useEffect(() => {
    // Every element that is entered and left tells; only the balance says whether the window was left.
    let depth = 0;
    function enter(event: DragEvent) {
      if (!carriesFiles(event)) return;
      depth++;
      setOver(true);
    }
    function leave(event: DragEvent) {
      if (!carriesFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    }
    function hover(event: DragEvent) {
      if (carriesFiles(event)) event.preventDefault();
    }
    function drop(event: DragEvent) {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length > 0) take.current(files);
    }
    function paste(event: ClipboardEvent) {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      take.current(files);
    }
    window.addEventListener('dragenter', enter);
    window.addEventListener('dragleave', leave);
    window.addEventListener('dragover', hover);
    window.addEventListener('drop', drop);
    window.addEventListener('paste', paste);
    return () => {
      window.removeEventListener('dragenter', enter);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('dragover', hover);
      window.removeEventListener('drop', drop);
      window.removeEventListener('paste', paste);
    };
  }, []);
  return over;
}

const PROMISES = [
  'Read in place: not uploaded, not changed, any size.',
  'qcow2 and raw in full; of other formats what they are. A .gz is unpacked.',
  'Drop the backing files in the same gesture to read the whole chain.',
];

export function DropZone({ onFiles }: { readonly onFiles: (files: readonly File[]) => void }) {
  const over = useFileDrag(onFiles);
  if (!over) return null;
  return (
    <div className="drop">
      <div className="drop__card">
        <h2>Drop to look inside</h2>
        <p>The image opens in Open. The form stays as it is.</p>
        <ul>
          {PROMISES.map((promise) => (
            <li key={promise}>
              <CheckIcon />
              {promise}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
