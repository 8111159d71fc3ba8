#!/usr/bin/env node
/**
 * The program: process streams, exit code, and signals. The first signal cancels (what was made is removed)
 * and the process then dies of that signal, so that a shell sees what happened; a second one kills at once.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { DiskwrightError } from '../engine/errors.ts';
import { say } from './io.ts';
import { main } from './main.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Synchronous, so that nothing is lost at exit; a pipe that is full is tried again. */
function writeOut(fd: number, text: string): void {
  for (let bytes = Buffer.from(text); bytes.length > 0; ) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (thrown) {
      const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
      if (code === 'EAGAIN') continue;
      throw new DiskwrightError('io', `the output cannot be written: ${String(code)}`, { cause: thrown });
    }
  }
}

const cancel = new AbortController();
let received: (typeof SIGNALS)[number] | undefined;
for (const signal of SIGNALS) {
  process.once(signal, () => {
    received = signal;
    cancel.abort();
  });
}

const io = {
  stdout: (text: string) => writeOut(1, text),
  stderr: (text: string) => {
    try {
      writeOut(2, text);
    } catch {
      // With nowhere to complain to, the exit code must do.
    }
  },
  // A signal ends the waiting for a line, too.
  stdin: () =>
    createInterface({
      input: process.stdin,
      crlfDelay: Number.POSITIVE_INFINITY,
      terminal: false,
      signal: cancel.signal,
    }),
  cwd: process.cwd(),
  signal: cancel.signal,
};

main(process.argv.slice(2), io).then(
  (code) => process.exit(code),
  (thrown) => {
    say(io, thrown instanceof Error ? thrown.message : String(thrown));
    if (received === undefined) process.exit(1);
    process.removeAllListeners(received);
    process.kill(process.pid, received);
  },
);
