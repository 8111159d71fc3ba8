/**
 * Conversions as interleaved pairs of whole commands, ours against qemu-img: CPU time (user + system, threads
 * included) and wall time, medians, and how many times less ours takes. The disk is 40 % text, 20 % noise and 40 %
 * zeros, mixed at borders of 64 KiB. `node scripts/bench-convert.mjs [pairs] [MiB]`.
 */
import { spawnSync } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const COMMAND = resolve(process.env.DISKWRIGHT_COMMAND ?? 'dist/cli/diskwright.js');
const pairs = Number(process.argv[2] ?? 3);
const megabytes = Number(process.argv[3] ?? 1024);
const dir = mkdtempSync(join(tmpdir(), 'diskwright-bench-'));
const at = (name) => join(dir, name);
const MIB = 1024 * 1024;

/** Words of a small language, so that deflate finds what it finds in logs and source code. */
function textOf(bytes, seed) {
  const words =
    'the of and disk image cluster header table block offset guest host error open read write 0x00 64 if (return) { } ;'.split(
      ' ',
    );
  let state = seed;
  let text = '';
  while (text.length < bytes) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += `${words[state % words.length]}${state % 7 === 0 ? `${state % 10007}\n` : ' '}`;
  }
  return Buffer.from(text.slice(0, bytes));
}

function makeSource() {
  const file = openSync(at('mixed.raw'), 'w');
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16));
  const zeros = Buffer.alloc(MIB);
  for (let i = 0; i < megabytes; i++) {
    const kind = (i * 7) % 10;
    const bytes = kind < 4 ? textOf(MIB, i + 1) : kind < 6 ? cipher.update(zeros) : zeros;
    writeSync(file, bytes, 0, MIB, i * MIB);
  }
  closeSync(file);
}

const seconds = (text) => Number(text.split('m')[0]) * 60 + Number.parseFloat(text.split('m')[1]);

function run(words, output) {
  rmSync(output, { force: true });
  const start = performance.now();
  const done = spawnSync('sh', ['-c', '"$@" || exit 1; times', 'sh', ...words], { encoding: 'utf8' });
  const wall = (performance.now() - start) / 1000;
  if (done.status !== 0) throw new Error(`${words.join(' ')}: ${done.stderr}`);
  const [user = '', system = ''] = done.stdout.trim().split('\n').at(-1).trim().split(/\s+/);
  return { cpu: seconds(user) + seconds(system), wall, length: statSync(output).size };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function compare(name, ours, theirs = ours) {
  const results = { ours: [], theirs: [] };
  for (let pair = 0; pair < pairs; pair++) {
    const order = [
      ['ours', () => run([process.execPath, COMMAND, 'convert', ...ours, at('mine')], at('mine'))],
      ['theirs', () => run(['qemu-img', 'convert', ...theirs, at('theirs')], at('theirs'))],
    ];
    for (const [who, measure] of pair % 2 === 0 ? order : order.reverse()) results[who].push(measure());
  }
  const of = (who, what) => median(results[who].map((one) => one[what]));
  const shown = (value) => value.toFixed(2).padStart(7);
  const ratio = (what) => `${(of('theirs', what) / of('ours', what)).toFixed(2)}×`.padStart(7);
  const size = `${(results.ours[0].length / results.theirs[0].length).toFixed(4)}`;
  const cells = [shown(of('ours', 'cpu')), shown(of('theirs', 'cpu')), ratio('cpu')];
  cells.push(shown(of('ours', 'wall')), shown(of('theirs', 'wall')), ratio('wall'), size);
  console.log(`${name.padEnd(34)} ${cells.join(' ')}`);
}

try {
  makeSource();
  console.log(`${megabytes} MiB, ${pairs} pairs`);
  console.log(`${''.padEnd(34)} CPU ours    qemu   ratio wall ours  qemu  ratio  size`);
  compare('raw → qcow2', ['-f', 'raw', '-O', 'qcow2', at('mixed.raw')]);
  const packed = ['-f', 'raw', '-c', '-O', 'qcow2', at('mixed.raw')];
  compare('raw → qcow2 -c, qemu -m 2 -W', packed, ['-m', '2', '-W', ...packed]);
  compare('raw → qcow2 -c', packed);
  for (const [name, words] of [
    ['qcow2 → raw', []],
    ['qcow2 (zlib) → raw', ['-c']],
  ]) {
    run(['qemu-img', 'convert', ...words, '-f', 'raw', '-O', 'qcow2', at('mixed.raw'), at('source')], at('source'));
    compare(name, ['-f', 'qcow2', '-O', 'raw', at('source')]);
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
