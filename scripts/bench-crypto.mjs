/**
 * Encryption: sectors per second in this process against the bare tables of AES (the bound of performance in
 * JavaScript), keys per second and whole commands against qemu-img, in interleaved pairs. CPU time, medians.
 * `npm run bench:crypto [rounds]`; only a machine that does nothing else gives figures.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';

const COMMAND = resolve('dist/cli/diskwright.js');
const rounds = Number(process.argv[2] ?? 5);
const dir = mkdtempSync(join(tmpdir(), 'diskwright-bench-'));
const MIB = 2 ** 20;

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** CPU seconds that `body` takes in this process. */
function cpuOf(body) {
  const before = process.cpuUsage();
  body();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function engineOf(entry, name) {
  await build({
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    build: {
      ssr: entry,
      outDir: join(dir, name),
      minify: true,
      target: 'node20',
      rolldownOptions: { output: { entryFileNames: 'entry.mjs', codeSplitting: false } },
    },
    ssr: { noExternal: true },
  });
  return await import(pathToFileURL(join(dir, name, 'entry.mjs')).href);
}

/** Fourteen rounds of nothing but table lookups: AES-256 without key schedule, IVs, tweaks. */
function bareTables(tables, box, keys, words) {
  const [t0, t1, t2, t3] = [tables[0], tables[1], tables[2], tables[3]];
  for (let i = 0; i < words.length; i += 4) {
    let a = words[i] ^ keys[0];
    let b = words[i + 1] ^ keys[1];
    let c = words[i + 2] ^ keys[2];
    let d = words[i + 3] ^ keys[3];
    for (let k = 4; k < 56; k += 4) {
      const e = t0[a & 255] ^ t1[(b >>> 8) & 255] ^ t2[(c >>> 16) & 255] ^ t3[d >>> 24] ^ keys[k];
      const f = t0[b & 255] ^ t1[(c >>> 8) & 255] ^ t2[(d >>> 16) & 255] ^ t3[a >>> 24] ^ keys[k + 1];
      const g = t0[c & 255] ^ t1[(d >>> 8) & 255] ^ t2[(a >>> 16) & 255] ^ t3[b >>> 24] ^ keys[k + 2];
      d = t0[d & 255] ^ t1[(a >>> 8) & 255] ^ t2[(b >>> 16) & 255] ^ t3[c >>> 24] ^ keys[k + 3];
      a = e;
      b = f;
      c = g;
    }
    words[i] =
      (box[a & 255] | (box[(b >>> 8) & 255] << 8) | (box[(c >>> 16) & 255] << 16) | (box[d >>> 24] << 24)) ^ keys[56];
    words[i + 1] =
      (box[b & 255] | (box[(c >>> 8) & 255] << 8) | (box[(d >>> 16) & 255] << 16) | (box[a >>> 24] << 24)) ^ keys[57];
    words[i + 2] =
      (box[c & 255] | (box[(d >>> 8) & 255] << 8) | (box[(a >>> 16) & 255] << 16) | (box[b >>> 24] << 24)) ^ keys[58];
    words[i + 3] =
      (box[d & 255] | (box[(a >>> 8) & 255] << 8) | (box[(b >>> 16) & 255] << 16) | (box[c >>> 24] << 24)) ^ keys[59];
  }
}

function sectors(sectorCipher) {
  const bytes = new Uint8Array(MIB);
  const words = new Int32Array(bytes.buffer);
  const noise = (length, Kind) => new Kind(length).map((_, i) => Math.imul(i + 1, 2654435761));
  const tables = Array.from({ length: 4 }, () => noise(256, Int32Array));
  const [box, keys] = [noise(256, Uint8Array), noise(60, Int32Array)];
  const specs = [
    ['aes-256', 'xts', 'plain64', 64],
    ['aes-128', 'xts', 'plain64', 32],
    ['aes-256', 'cbc', 'essiv', 32],
  ];
  const ciphers = specs.flatMap(([algorithm, mode, ivgen, length]) => {
    const cipher = sectorCipher({ algorithm, mode, ivgen, ivgenHash: 'sha256' }, new Uint8Array(length).fill(7));
    return ['encrypt', 'decrypt'].map((way) => [
      `${algorithm} ${mode} ${ivgen}, ${way}`,
      () => cipher[way](bytes, 1000),
    ]);
  });
  const all = [['bare tables, 14 rounds (the bound)', () => bareTables(tables, box, keys, words)], ...ciphers];
  const times = all.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    all.forEach(([, body], i) => {
      const took = cpuOf(() => {
        for (let n = 0; n < 32; n++) body();
      });
      // The first round warms up.
      if (round > 0) times[i].push(took);
    });
  }
  console.log('sectors in this process                      MB/s   of the bound');
  const speed = (i) => (32 * MIB) / 1e6 / median(times[i]);
  all.forEach(([name], i) => {
    console.log(
      `${name.padEnd(40)} ${speed(i).toFixed(0).padStart(8)} ${(speed(i) / speed(0)).toFixed(2).padStart(14)}`,
    );
  });
}

function must(program, ...words) {
  const done = spawnSync(program, words, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${program} ${words.join(' ')}: ${done.stderr}`);
  return done.stdout;
}

const secret = ['--object', 'secret,id=s,data=correct horse'];

/** Iterations that a key of the default kind gets in a second: what the headers say. */
function keys() {
  const count = (program, name) => {
    const list = ['create', '-q', '-f', 'luks', ...secret, '-o', 'key-secret=s,iter-time=1000', join(dir, name), '1M'];
    must(program[0], ...program.slice(1), ...list);
    return readFileSync(join(dir, name)).readUInt32BE(212);
  };
  const results = { ours: [], theirs: [] };
  for (let round = 0; round < rounds; round++) {
    results.ours.push(count([process.execPath, COMMAND], 'ours'));
    results.theirs.push(count(['qemu-img'], 'theirs'));
  }
  const [ours, theirs] = [median(results.ours), median(results.theirs)];
  console.log(
    `\nPBKDF2 of 64 bytes with SHA-256, iterations a second: ${ours} ours, ${theirs} qemu-img, ${(ours / theirs).toFixed(2)}×`,
  );
}

const seconds = (text) => Number(text.split('m')[0]) * 60 + Number.parseFloat(text.split('m')[1]);

function run(words) {
  const start = performance.now();
  const done = spawnSync('sh', ['-c', '"$@" > /dev/null || exit 1; times', 'sh', ...words], { encoding: 'utf8' });
  const wall = (performance.now() - start) / 1000;
  if (done.status !== 0) throw new Error(`${words.join(' ')}: ${done.stderr}`);
  const [user = '', system = ''] = done.stdout.trim().split('\n').at(-1).trim().split(/\s+/);
  return { cpu: seconds(user) + seconds(system), wall };
}

/** QEMU has the processor's AES instructions, which a script has not. */
function commands() {
  const image = join(dir, 'luks');
  const open = ['--image-opts', `driver=luks,key-secret=s,file.filename=${image}`];
  must('qemu-img', 'create', '-q', '-f', 'luks', ...secret, '-o', 'key-secret=s,iter-time=10', image, '256M');
  must('qemu-io', ...secret, ...open, '-c', 'write -P 7 0 256M');
  const plain = join(dir, 'plain');
  writeFileSync(plain, '');
  const words = ['convert', ...secret, ...open, '-O', 'raw', plain];
  const results = { ours: [], theirs: [] };
  for (let round = 0; round < rounds; round++) {
    results.ours.push(run([process.execPath, COMMAND, ...words]));
    results.theirs.push(run(['qemu-img', ...words]));
  }
  const of = (who, what) => median(results[who].map((one) => one[what])).toFixed(2);
  console.log('\nconvert LUKS to raw, 256 MiB, seconds (QEMU uses AES instructions)');
  for (const what of ['cpu', 'wall'])
    console.log(`${what.padEnd(6)} ours ${of('ours', what)}, qemu-img ${of('theirs', what)}`);
}

try {
  const { sectorCipher } = await engineOf('src/engine/crypto/sector-cipher.ts', 'cipher');
  sectors(sectorCipher);
  keys();
  commands();
} finally {
  rmSync(dir, { recursive: true, force: true });
}
