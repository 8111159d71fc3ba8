/**
 * A file dropped on the window would make the browser leave the page and lose the form. It is caught, and
 * one line says what becomes of it.
 */
import { useEffect, useState } from 'react';
import { CrossIcon, InfoIcon } from '../icons.tsx';

const carriesFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;

export function DropGuard() {
  const [name, setName] = useState<string>();
  useEffect(() => {
    function over(event: DragEvent) {
      if (!carriesFiles(event)) return;
      event.preventDefault();
    }
    function drop(event: DragEvent) {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      setName(event.dataTransfer?.files[0]?.name ?? 'The file');
    }
    window.addEventListener('dragover', over);
    window.addEventListener('drop', drop);
    return () => {
      window.removeEventListener('dragover', over);
      window.removeEventListener('drop', drop);
    };
  }, []);

  return (
    <div role="status">
      {name !== undefined && (
        <div className="dropped">
          <InfoIcon />
          <p>
            <b>{name} was not opened.</b> Looking inside images comes later; the form is as it was.
          </p>
          <button className="iconbtn" type="button" aria-label="Dismiss" onClick={() => setName(undefined)}>
            <CrossIcon />
          </button>
        </div>
      )}
    </div>
  );
}
