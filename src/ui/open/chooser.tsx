/** Choosing files, for browsers, keyboards and people that do not drop. */
import { type ReactNode, useRef } from 'react';

interface Props {
  readonly label: ReactNode;
  /** Accessible name of the field. */
  readonly name: string;
  readonly className?: string;
  /** Of the button. */
  readonly id?: string;
  readonly multiple?: boolean;
  readonly onFiles: (files: readonly File[]) => void;
}

export function Chooser({ label, name, className = 'btn', id, multiple = false, onFiles }: Props) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button className={className} id={id} type="button" onClick={() => input.current?.click()}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        multiple={multiple}
        aria-label={name}
        onChange={(event) => {
          const files = [...(event.target.files ?? [])];
          // The same file may be chosen again after it changed.
          event.target.value = '';
          if (files.length > 0) onFiles(files);
        }}
      />
    </>
  );
}
