/** The command line that proves, on any machine, that a file is the one that was saved. */
import type { SavedFile } from '../../worker/engine-client.ts';
import { CopyButton } from '../copy-button.tsx';
import { quoteWord } from '../create/shell-words.ts';

/** Undefined while there is nothing to compare with. */
export function verifyCommand({ name, sha256, layoutDigest }: SavedFile, gzip: boolean): string | undefined {
  const words = [/^-/.test(name) ? `./${name}` : name];
  if (sha256 !== undefined) words.push('--sha256', sha256);
  // The layout digest is that of the unpacked file.
  if (layoutDigest !== undefined && !gzip) words.push('--layout', layoutDigest);
  return words.length > 1 ? `diskwright verify ${words.map(quoteWord).join(' ')}` : undefined;
}

export function VerifyRow({ file, gzip }: { readonly file: SavedFile; readonly gzip: boolean }) {
  const command = verifyCommand(file, gzip);
  if (command === undefined) return null;
  return (
    <div>
      <dt>Verify it</dt>
      <dd>
        <code>diskwright verify {file.name} …</code>
        <small>Compares a copy of the file with these digests; exit code 0 says that it is the same.</small>
      </dd>
      <dd>
        <CopyButton text={command} what={`command that verifies ${file.name}`} />
      </dd>
    </div>
  );
}
