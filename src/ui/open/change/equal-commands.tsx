/** The same change as command lines, to be copied into a shell. */
import type { ChangeCommands } from '../../../worker/change/protocol.ts';
import { CopyButton } from '../../copy-button.tsx';

function Lines({ program, lines }: { readonly program: string; readonly lines: readonly string[] }) {
  const text = lines.join('\n');
  return (
    <div className="equal__one">
      <h4>{program}</h4>
      {lines.length > 0 ? (
        <div className="shell">
          <pre>{text}</pre>
          <CopyButton text={text} what={`${program} ${lines.length === 1 ? 'command' : 'commands'}`} bare />
        </div>
      ) : (
        <p className="help">Has nothing equal.</p>
      )}
    </div>
  );
}

export function EqualCommands({ commands, old }: { readonly commands: ChangeCommands; readonly old: boolean }) {
  return (
    <section className={old ? 'panel panel--old' : 'panel'} aria-labelledby="equal-title">
      <div className="panel__head">
        <h3 id="equal-title">Equal command lines</h3>
      </div>
      <div className="equal">
        <Lines program="qemu-img" lines={commands.qemuImg} />
        <Lines program="diskwright" lines={commands.diskwright} />
        {commands.note !== undefined && <p className="help">{commands.note}</p>}
      </div>
    </section>
  );
}
