/**
 * Interleaved pairs of whole commands, ours against qemu-img, in a directory of the host's disk: CPU time
 * (user + system) and wall time, medians, and how many times less ours takes. The last row runs the engine in this
 * process, without Node's start-up. `npm run bench [pairs]`.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, fdatasyncSync, ftruncateSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const COMMAND = resolve('dist/cli/diskwright.js');
const pairs = Number(process.argv[2] ?? 5);
const dir = mkdtempSync(join(tmpdir(), 'diskwright-bench-'));
const IMAGE = join(dir, 'image');

const cases = [
  { name: 'blank, 10 GiB', size: '10G', options: [], pairs },
  { name: 'metadata, 1 TiB', size: '1T', options: ['-o', 'preallocation=metadata'], pairs },
  { name: 'metadata, 10 TiB', size: '10T', options: ['-o', 'preallocation=metadata'], pairs: Math.min(pairs, 3) },
  { name: 'full, 2 GiB', size: '2G', options: ['-o', 'preallocation=full'], pairs: Math.min(pairs, 3) },
];

/** Seconds of `0m1.234s`. */
const seconds = (text) => Number(text.split('m')[0]) * 60 + Number.parseFloat(text.split('m')[1]);

/** Runs a command under a shell, whose `times` tells what its children took. */
function run(words) {
  rmSync(IMAGE, { force: true });
  const start = performance.now();
  const done = spawnSync('sh', ['-c', '"$@" || exit 1; times', 'sh', ...words], { encoding: 'utf8' });
  const wall = (performance.now() - start) / 1000;
  if (done.status !== 0) throw new Error(`${words.join(' ')}: ${done.stderr}`);
  const [user = '', system = ''] = done.stdout.trim().split('\n').at(-1).trim().split(/\s+/);
  return { cpu: seconds(user) + seconds(system), wall, length: statSync(IMAGE).size };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

const words = (size, options) => ['create', '-q', '-f', 'qcow2', ...options, IMAGE, size];

function compare(name, count, ours, theirs) {
  const results = { ours: [], theirs: [] };
  for (let pair = 0; pair < count; pair++) {
    // Each goes first every other time.
    const order = [
      ['ours', ours],
      ['theirs', theirs],
    ];
    for (const [who, measure] of pair % 2 === 0 ? order : order.reverse()) results[who].push(measure());
  }
  if (results.ours[0].length !== results.theirs[0].length) throw new Error(`${name}: the files differ in length`);
  const of = (who, what) => median(results[who].map((one) => one[what]));
  const shown = (value) => value.toFixed(3).padStart(8);
  const ratio = (what) => `${(of('theirs', what) / of('ours', what)).toFixed(1)}×`.padStart(7);
  const cells = [shown(of('ours', 'cpu')), shown(of('theirs', 'cpu')), ratio('cpu')];
  cells.push(shown(of('ours', 'wall')), shown(of('theirs', 'wall')), ratio('wall'));
  console.log(`${name.padEnd(28)} ${cells.join(' ')}   ${count}`);
}

/** The same work by the library in this process. */
async function inProcess(size, preallocation) {
  const { findFormat, emitLayout } = await import(resolve('dist/lib/index.js'));
  const { create } = await findFormat('qcow2').load();
  return () => {
    rmSync(IMAGE, { force: true });
    const cpu = process.cpuUsage();
    const start = performance.now();
    const { image } = create.layout({ texts: { size, preallocation } });
    const fd = openSync(IMAGE, 'w');
    for (const step of emitLayout(image)) {
      if (step.kind === 'emit') writeSync(fd, step.bytes, 0, step.bytes.length, step.at);
    }
    ftruncateSync(fd, image.length);
    fdatasyncSync(fd);
    closeSync(fd);
    const wall = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return { cpu: (user + system) / 1e6, wall, length: image.length };
  };
}

try {
  console.log(
    `${spawnSync('qemu-img', ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0]}, Node ${process.version}`,
  );
  console.log('seconds, medians               CPU ours    qemu   ratio  wall ours   qemu   ratio   pairs');
  for (const { name, size, options, pairs: count } of cases) {
    const args = words(size, options);
    compare(
      name,
      count,
      () => run([process.execPath, COMMAND, ...args]),
      () => run(['qemu-img', ...args]),
    );
  }
  const engine = await inProcess('1T', 'metadata');
  engine();
  const args = words('1T', ['-o', 'preallocation=metadata']);
  compare('metadata, 1 TiB, in process', pairs, engine, () => run(['qemu-img', ...args]));
} finally {
  rmSync(dir, { recursive: true, force: true });
}
