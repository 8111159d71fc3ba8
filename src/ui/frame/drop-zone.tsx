/**
 * A file dropped anywhere on the window, or pasted, goes to Open, or to Convert when one is there. Uncaught it would
 * make the browser leave the page and lose the form.
 */
import { useEffect, useRef, useState } from 'react';
import { CheckIcon } from '../icons.tsx';
import type { Place } from './place.ts';

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

const READ_IN_PLACE = 'Read in place: not uploaded, not changed, any size.';

const LOOK = {
  title: 'Drop to look inside',
  text: 'The image opens in Open. The form stays as it is.',
  promises: [
    READ_IN_PLACE,
    'qcow2 and raw in full; of other formats what they are. A .gz is unpacked.',
    'Drop the backing files in the same gesture to read the whole chain.',
    'A recipe (.json) goes into the form of Create.',
  ],
};

const CONVERT = {
  title: 'Drop to convert',
  text: 'Nothing starts before you say so.',
  promises: [
    READ_IN_PLACE,
    'Several images at once become a queue.',
    'Backing and data files dropped along are joined to their image.',
  ],
};

interface Props {
  readonly place: Place;
  readonly onFiles: (files: readonly File[]) => void;
}

export function DropZone({ place, onFiles }: Props) {
  const over = useFileDrag(onFiles);
  if (!over) return null;
  const { title, text, promises } = place === 'convert' ? CONVERT : LOOK;
  return (
    <div className="drop">
      <div className="drop__card">
        <h2>{title}</h2>
        <p>{text}</p>
        <ul>
          {promises.map((promise) => (
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
