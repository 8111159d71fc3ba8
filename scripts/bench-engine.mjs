/**
 * Work on images, ours against qemu-img and qemu-io, in interleaved pairs of whole commands: CPU time (user + system)
 * and wall time, medians, and how many times less ours takes. `node scripts/bench-engine.mjs [pairs]` after a build;
 * only a machine that does nothing else gives figures.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const COMMAND = resolve('dist/cli/diskwright.js');
const pairs = Number(process.argv[2] ?? 5);
const dir = mkdtempSync(join(tmpdir(), 'diskwright-bench-'));
const at = (name) => join(dir, name);

/** Seconds of `0m1.234s`. */
const seconds = (text) => Number(text.split('m')[0]) * 60 + Number.parseFloat(text.split('m')[1]);

/** Runs a command under a shell, whose `times` tells what its children took. */
function run(words) {
  const start = performance.now();
  const done = spawnSync('sh', ['-c', '"$@" > /dev/null || exit 1; times', 'sh', ...words], { encoding: 'utf8' });
  const wall = (performance.now() - start) / 1000;
  if (done.status !== 0) throw new Error(`${words.join(' ')}: ${done.stderr}`);
  const [user = '', system = ''] = done.stdout.trim().split('\n').at(-1).trim().split(/\s+/);
  return { cpu: seconds(user) + seconds(system), wall };
}

function must(program, ...words) {
  const done = spawnSync(program, words, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${program} ${words.join(' ')}: ${done.stderr}`);
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Places all over `size` bytes, the same every time. */
function* places(count, size, unit) {
  let state = 12345;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    yield Math.floor((state / 2 ** 32) * (size / unit)) * unit;
  }
}

const GIB = 2 ** 30;
const io = (commands) => ['-f', 'qcow2', ...commands.flatMap((one) => ['-c', one])];
const random = (verb, count, length) => [...places(count, GIB, 4096)].map((place) => `${verb} ${place} ${length}`);
const sequential = (verb, length) =>
  Array.from({ length: GIB / 4 / length }, (_, i) => `${verb} ${i * length} ${length}`);

/** `image`: copied anew for each run where it is written. */
const cases = [
  { name: 'check, 1 TiB metadata', image: 'tables', words: ['check', '-f', 'qcow2'] },
  { name: 'map --output json, 1 TiB metadata', image: 'tables', words: ['map', '-f', 'qcow2', '--output=json'] },
  { name: 'random reads, 4000 of 4 KiB', image: 'full', io: random('read', 4000, 4096) },
  { name: 'sequential reads, 256 MiB', image: 'full', io: sequential('read', 2 ** 20) },
  { name: 'random writes, 4000 of 4 KiB', image: 'full', writes: true, io: random('write', 4000, 4096) },
  { name: 'sequential writes, 256 MiB', image: 'full', writes: true, io: sequential('write', 2 ** 20) },
  { name: 'allocating writes, 4000 of 4 KiB', image: 'empty', writes: true, io: random('write', 4000, 4096) },
];

try {
  must('qemu-img', 'create', '-q', '-f', 'qcow2', '-o', 'preallocation=metadata', at('tables'), '1T');
  must('qemu-img', 'create', '-q', '-f', 'qcow2', at('empty'), '1G');
  must('qemu-img', 'create', '-q', '-f', 'qcow2', at('full'), '1G');
  must('qemu-io', '-f', 'qcow2', '-c', 'write -P 7 0 1G', at('full'));
  console.log(
    `${spawnSync('qemu-img', ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0]}, Node ${process.version}`,
  );
  console.log('seconds, medians                     CPU ours    qemu   ratio  wall ours   qemu   ratio   pairs');
  for (const { name, image, words, io: commands, writes } of cases) {
    const results = { ours: [], theirs: [] };
    const measure = {
      ours: (file) => run([process.execPath, COMMAND, ...(words ?? ['io', ...io(commands)]), file]),
      theirs: (file) => run([words ? 'qemu-img' : 'qemu-io', ...(words ?? io(commands)), file]),
    };
    for (let pair = 0; pair < pairs; pair++) {
      // Each goes first every other time.
      for (const who of pair % 2 === 0 ? ['ours', 'theirs'] : ['theirs', 'ours']) {
        if (writes) copyFileSync(at(image), at('work'));
        results[who].push(measure[who](writes ? at('work') : at(image)));
      }
    }
    const of = (who, what) => median(results[who].map((one) => one[what]));
    const shown = (value) => value.toFixed(3).padStart(8);
    const ratio = (what) => `${(of('theirs', what) / of('ours', what)).toFixed(1)}×`.padStart(7);
    const cells = ['cpu', 'wall'].map(
      (what) => `${shown(of('ours', what))} ${shown(of('theirs', what))} ${ratio(what)}`,
    );
    console.log(`${name.padEnd(36)} ${cells.join(' ')}   ${pairs}`);
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
