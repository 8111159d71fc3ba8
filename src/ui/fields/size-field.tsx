/** Free entry of a size, typed as people type it, with the exact bytes beside and quick sizes below. */
import { useState } from 'react';
import { parseTypedSize, printQemuSize } from '../../engine/bytes/size-text.ts';
import type { SizeOption } from '../../engine/options/declare.ts';
import { exactBytes } from '../measure.tsx';
import type { FieldProps } from './field.ts';
import { presentationOf } from './presentation.ts';
import { bytesOf, showSize, spellSize } from './size-spelling.ts';

/** Typed words → option text: qemu-img's spelling, or the words themselves where they are no size. */
function textOf(typed: string): string | null {
  if (typed.trim() === '') return null;
  const reading = parseTypedSize(typed);
  return reading.ok ? printQemuSize(reading.bytes) : typed.trim();
}

interface Props extends FieldProps<SizeOption> {
  /** Sizes offered as chips; absent: those of the option. */
  readonly quick?: readonly string[];
}

export function SizeField(props: Props) {
  const { option, id, text, disabled, invalid, describedBy, onChange } = props;
  const [draft, setDraft] = useState('');
  const { large, quick: usual } = presentationOf(option.qemu);
  const quick = props.quick ?? usual;
  // The draft stands as long as it means what the form holds.
  const shown = (textOf(draft) ?? undefined) === text ? draft : showSize(text);
  const bytes = bytesOf(text);

  function type(typed: string) {
    setDraft(typed);
    onChange(textOf(typed));
  }

  return (
    <>
      <div className={large ? 'affix affix--large' : 'affix'}>
        <input
          className="input"
          id={id}
          value={shown}
          disabled={disabled}
          spellCheck={false}
          autoComplete="off"
          aria-invalid={invalid}
          aria-describedby={`${describedBy} ${id}-bytes`}
          onChange={(event) => type(event.target.value)}
        />
        <span id={`${id}-bytes`} className="affix__note">
          {bytes === undefined ? '' : exactBytes(bytes)}
        </span>
      </div>
      {quick && (
        <fieldset className="chips" disabled={disabled}>
          <legend className="sr">Quick sizes</legend>
          {quick.map((one) => {
            const size = spellSize(one);
            return (
              <label key={one} className="chip">
                <input
                  type="radio"
                  name={`${id}-quick`}
                  checked={bytes !== undefined && bytes === bytesOf(one)}
                  onChange={() => onChange(one)}
                />
                {size?.value}
                <span className="u">{size?.unit}</span>
              </label>
            );
          })}
        </fieldset>
      )}
    </>
  );
}
