/** The secrets of a command line: read when they are first needed, cleared when the command is over. */
import { Secrets } from '../platform/node/secrets.ts';
import type { Io } from './io.ts';

interface SecretLine {
  readonly given: readonly { readonly name: string; readonly value: string }[];
}

/** Every run of the command has an `Io` of its own. */
const known = new WeakMap<Io, Secrets>();

export function secretsOf(line: SecretLine, io: Io): Secrets {
  const before = known.get(io);
  if (before) return before;
  const secrets = new Secrets();
  known.set(io, secrets);
  for (const { name, value } of line.given) if (name === 'object') secrets.define(value, io.cwd);
  return secrets;
}

export function forgetSecrets(io: Io): void {
  known.get(io)?.clear();
  known.delete(io);
}
