import { expect, test } from 'vitest';
import { parseCommand } from './command-line.ts';
import { readForm } from './reading.ts';
import { initialState, reduce } from './state.ts';

function problemsOf(command: string) {
  const parsed = parseCommand(command);
  if (!parsed.ok) throw new Error(parsed.message);
  return readForm(parsed.line).problems;
}
const messages = (command: string) => problemsOf(command).map((problem) => problem.message);

test('the first screen has no problem', () => {
  expect(readForm(initialState.line).problems).toEqual([]);
});

test.each([
  ["qemu-img create -f qcow2 '' 1G", ['The file needs a name.']],
  ['qemu-img create -f qcow2 /tmp/ 1G', ['The file needs a name.']],
  ['qemu-img create -f vdi x.vdi 1G', ['"vdi" is not a format that Diskwright makes.']],
  ['qemu-img create -f nosuch -o foo=1 x 1G', ['"nosuch" is not a format that Diskwright makes.']],
  ['qemu-img create -f qcow2 x', ['The disk needs a size.']],
  ['qemu-img create -f qcow2 -z x 1G y', ['There is no flag -z here.', 'y is one word too many.']],
  ['qemu-img create -f qcow2 --object secret,id=s x 1G', ['There is no flag --object here.']],
  ['qemu-img create -f qcow2 -o , x 1G', ['-o , is not a list of options.']],
  ['qemu-img create -f qcow2 -o size=1G x 1G', ['The size is given twice.']],
  ['qemu-img create -f qcow2 -o foo=bar x 1G', ['There is no option "foo" here.']],
  ["qemu-img create -f qcow2 -b '' -F raw x 1G", ['The name of the backing file is empty.']],
  ['qemu-img create -f qcow2 -b x -F raw x 1G', ['The image cannot be its own backing file.']],
  ['qemu-img create -f qcow2 -o data_file= x 1G', ['The data file needs a name.']],
  ['qemu-img create -f qcow2 -o data_file=x x 1G', ['The image cannot be its own data file.']],
  ['qemu-img create -q -u -f qcow2 x 1G', []],
])('%s', (command, expected) => {
  expect(messages(command)).toEqual(expected);
});

test.each([
  "qemu-img create -f qcow2 '' 1G",
  'qemu-img create -f vdi x.vdi 1G',
  'qemu-img create -f qcow2 x',
  'qemu-img create -f qcow2 -z x 1G y',
  'qemu-img create -f qcow2 -o , x 1G',
  'qemu-img create -f qcow2 -o size=1G x 1G',
  'qemu-img create -f qcow2 -o foo=bar x 1G',
  'qemu-img create -f qcow2 -b x -F raw x 1G',
  'qemu-img create -f qcow2 -o data_file=x x 1G',
  'qemu-img create -f qcow2 -o compat=0.10,extended_l2=on,lazy_refcounts=on,refcount_bits=8,data_file=d x 1G',
  'qemu-img create -f qcow2 -o encrypt.format=luks x 1G',
])('the first fix of each problem settles it: %s', (command) => {
  const parsed = parseCommand(command);
  if (!parsed.ok) throw new Error(parsed.message);
  let state = { line: parsed.line, shelf: {}, gzip: false, rest: {} };
  for (let round = 0; round < 10; round++) {
    const [problem] = readForm(state.line).problems;
    if (!problem) return;
    const [fix] = problem.fixes;
    expect(fix, problem.message).toBeDefined();
    if (!fix) return;
    const before = state;
    state = reduce(state, fix.action);
    expect(state, `${fix.label} changes something`).not.toEqual(before);
  }
  expect(readForm(state.line).problems).toEqual([]);
});

test('options of the host are noted, and stop nothing', () => {
  const parsed = parseCommand('qemu-img create -f qcow2 -o nocow=on x 1G');
  if (!parsed.ok) throw new Error(parsed.message);
  const { problems, notes } = readForm(parsed.line);
  expect(problems).toEqual([]);
  expect(notes.map((note) => [note.message, note.fixes[0]?.label])).toEqual([
    ['nocow has no effect:', 'Remove nocow=on'],
  ]);
});

test.each([
  "qemu-img create -f qcow2 x '8 gigs'",
  'qemu-img create -f raw -o preallocation=metadata x 1G',
  'qemu-img create -f qcow2 -o cluster_size=3k,refcount_bits=3 x 1G',
  'qemu-img create -f qcow2 -o cluster_size=512 x 1T',
  'qemu-img create -f qcow2 x 9E',
  'qemu-img create -f qcow2 -b b -F raw -o preallocation=full,data_file=d,data_file_raw=on x 1G',
  'qemu-img create -f qcow2 -o compat=0.10,extended_l2=on,cluster_size=8k,lazy_refcounts=on,compression_type=zstd x 1G',
  'qemu-img create -f qcow2 -o data_file_raw=on x 1G',
  'qemu-img create -f qcow2 -F raw x 1G',
])('every fix of every problem settles it and makes no new one: %s', (command) => {
  const parsed = parseCommand(command);
  if (!parsed.ok) throw new Error(parsed.message);
  const { problems } = readForm(parsed.line);
  expect(problems.length).toBeGreaterThan(0);
  const known = problems.map((problem) => problem.message);
  for (const { message, fixes } of problems) {
    expect(fixes.length, message).toBeGreaterThan(0);
    for (const fix of fixes) {
      const left = readForm(
        reduce({ line: parsed.line, shelf: {}, gzip: false, rest: {} }, fix.action).line,
      ).problems.map((one) => one.message);
      expect(left, fix.label).not.toContain(message);
      expect(
        left.filter((one) => !known.includes(one)),
        fix.label,
      ).toEqual([]);
    }
  }
});
