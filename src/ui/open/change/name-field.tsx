/** The new file's name: proposed, and typed over. */
interface Props {
  readonly id: string;
  readonly value: string;
  /** What the browser makes of it. */
  readonly saved: string;
  readonly problem: string | undefined;
  readonly onChange: (name: string) => void;
}

export function NameField({ id, value, saved, problem, onChange }: Props) {
  return (
    <div className="field">
      <label className="field__label" htmlFor={id}>
        Save as
      </label>
      <div>
        <input
          className="input"
          id={id}
          value={value}
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          aria-invalid={problem !== undefined}
          aria-describedby={`${id}-help`}
          onChange={(event) => onChange(event.target.value)}
        />
        <p className={problem === undefined ? 'help' : 'help help--bad'} id={`${id}-help`}>
          {problem ?? (saved === value ? 'A new file; the open one is only read.' : `Saved as ${saved}.`)}
        </p>
      </div>
    </div>
  );
}
