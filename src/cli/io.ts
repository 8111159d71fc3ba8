/** What a command may do to the world besides files: two streams, a folder, a signal that cancels. */
import { DiskwrightError } from '../engine/errors.ts';

export interface Io {
  /** Results; the text has its own newlines. */
  stdout(text: string): void;
  /** Everything else. */
  stderr(text: string): void;
  /** Lines of standard input, without their ends; absent: there is none. */
  stdin?(): AsyncIterable<string>;
  readonly cwd: string;
  readonly signal?: AbortSignal;
}

export const PROGRAM = 'diskwright';

/** Names may come out of an image: nothing in them may move the cursor or begin a line of its own. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** One line on stderr; every such line begins with the program's name. */
export function say(io: Io, text: string): void {
  io.stderr(`${PROGRAM}: ${printable(text)}\n`);
}

export const warn = (io: Io, text: string): void => say(io, `warning: ${text}`);
export const note = (io: Io, text: string): void => say(io, `note: ${text}`);

/** A command line that cannot be run; the reason, and which command's help would tell more. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly command: string | undefined;

  constructor(message: string, command?: string) {
    super(message);
    this.command = command;
  }
}

/** A flag that cannot be read, as against a value that will not do. */
export class FlagMistake extends UsageError {}

const GIVE_PASSPHRASE =
  'Give it: --object secret,id=sec0,file=… --image-opts driver=qcow2,file.filename=…,encrypt.key-secret=sec0 (driver=luks: key-secret=sec0).';

/** Tells an error to the person; what is not one of ours is a defect and keeps its stack. */
export function sayError(io: Io, thrown: unknown): void {
  if (thrown instanceof UsageError) {
    say(io, thrown.message);
    say(io, `see: ${PROGRAM} ${thrown.command === undefined ? '' : `${thrown.command} `}--help`);
  } else if (thrown instanceof DiskwrightError) {
    say(io, thrown.message);
    const fix = thrown.fix ?? (thrown.kind === 'passphrase' ? GIVE_PASSPHRASE : undefined);
    if (fix !== undefined) say(io, `fix: ${fix}`);
  } else {
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    for (const line of `this is a defect: ${text}`.split('\n')) say(io, line);
  }
}
