/** The same conversion for a terminal, live, for qemu-img and for diskwright. */
import { useId, useState } from 'react';
import { CopyButton } from '../copy-button.tsx';
import { type Conversion, convertCommand } from './commands.ts';

const PROGRAMS = ['qemu-img', 'diskwright'] as const;

interface Props {
  readonly conversions: readonly Conversion[];
  /** Not what qemu-img uses: there is no word for it in its command. */
  readonly level: number | undefined;
}

export function CommandsPanel({ conversions, level }: Props) {
  const id = useId();
  const [program, setProgram] = useState<(typeof PROGRAMS)[number]>('qemu-img');
  const text = conversions.map((one) => convertCommand(program, one)).join('\n');
  return (
    <section className="panel" aria-labelledby={`${id}-title`}>
      <div className="panel__head">
        <h2 id={`${id}-title`}>Command line</h2>
        <fieldset className="seg seg--small">
          <legend className="sr">Program</legend>
          {PROGRAMS.map((one) => (
            <label key={one}>
              <input type="radio" name={`${id}-program`} checked={one === program} onChange={() => setProgram(one)} />
              {one}
            </label>
          ))}
        </fieldset>
        <div className="tool">
          <CopyButton text={text} what={`${program} command`} />
        </div>
      </div>
      <pre className="commands">{text}</pre>
      {level !== undefined && (
        <p className="cmd__hint">Level {level} is this page's own: qemu-img always uses its one level.</p>
      )}
    </section>
  );
}
