/**
 * Encrypted images on the command line: what is made here opens in QEMU and the other way round, over the matrix of
 * ciphers; key slots come and go; a secret stands in nothing that is printed.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { diskwright, type OurOutcome } from '../testing/oracle/command-pair.ts';
import { type Outcome, qemuImg, qemuIo } from '../testing/oracle/qemu-tools.ts';
import { withTempDirAsync } from '../testing/oracle/temp-dir.ts';

const PASSPHRASE = 'oak rivulet candle';
const SECRET = ['--object', `secret,id=sec0,data=${PASSPHRASE}`];
const LUKS = 'encrypt.format=luks,encrypt.key-secret=sec0,encrypt.iter-time=10';

const opts = (file: string, more = '', secret = 'sec0'): string[] => {
  const key = file.endsWith('.luks') ? 'key-secret' : 'encrypt.key-secret';
  return ['--image-opts', `driver=${file.split('.').at(-1)},file.filename=${file},${key}=${secret}${more}`];
};

/** On a busy machine QEMU sometimes gives up measuring how fast it derives keys. */
function qemuCreate(args: readonly string[], cwd: string): Outcome {
  for (let tries = 5; ; tries--) {
    const outcome = qemuImg(['create', '-q', ...SECRET, ...args], { cwd });
    if (outcome.code === 0 || tries === 0 || !outcome.stderr.includes('accurate CPU usage')) return outcome;
  }
}

const inDir = (body: (dir: string) => Promise<void>): Promise<void> => withTempDirAsync(body);

async function ours(dir: string, ...argv: string[]): Promise<OurOutcome> {
  const outcome = await diskwright(argv, dir);
  expect(outcome.stdout + outcome.stderr).not.toContain('rivulet');
  return outcome;
}

async function expectOurs(dir: string, ...argv: string[]): Promise<string> {
  const { status, stdout, stderr } = await ours(dir, ...argv);
  expect(`${argv.join(' ')}: ${status} ${stderr}`).toBe(`${argv.join(' ')}: 0 ${stderr}`);
  return stdout;
}

function expectQemuIo(dir: string, ...argv: string[]): void {
  const { code, stdout, stderr } = qemuIo(argv, { cwd: dir });
  expect(`${code} ${stdout}${stderr}`).toMatch(/^0 /);
  expect(stdout + stderr).not.toMatch(/failed/);
}

const MATRIX: readonly (readonly [string, string])[] = [
  ['qcow2', ''],
  ['qcow2', 'cipher-alg=aes-192,hash-alg=sha512'],
  ['qcow2', 'cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha256,hash-alg=sha1'],
  ['qcow2', 'cipher-mode=ctr,hash-alg=ripemd160'],
  ['luks', 'cipher-alg=aes-192,hash-alg=sha224'],
  ['luks', 'cipher-mode=cbc,ivgen-alg=essiv'],
];

const WRITE = ['-c', 'write -P 0x41 100 5000', '-c', 'write -P 0x42 1M 64k'];
const READ = ['-c', 'read -P 0x41 100 5000', '-c', 'read -P 0x42 1M 64k'];

test.each(MATRIX)('%s %s: made by each, written and read by the other', async (format, list) => {
  const prefix = format === 'luks' ? '' : 'encrypt.';
  const options = ['key-secret=sec0', 'iter-time=10', ...list.split(',').filter((one) => one !== '')].map(
    (one) => prefix + one,
  );
  if (format === 'qcow2') options.push('encrypt.format=luks');
  await inDir(async (dir) => {
    const create = ['-f', format, '-o', options.join(',')];
    await expectOurs(dir, 'create', '-q', ...SECRET, ...create, `a.${format}`, '2M');
    expect(qemuCreate([...create, `b.${format}`, '2M'], dir)).toMatchObject({ code: 0 });
    expectQemuIo(dir, ...SECRET, ...opts(`a.${format}`), ...WRITE);
    await expectOurs(dir, 'io', ...SECRET, ...opts(`b.${format}`), ...WRITE);
    await expectOurs(dir, 'io', ...SECRET, ...opts(`a.${format}`), ...READ);
    expectQemuIo(dir, ...SECRET, ...opts(`b.${format}`), ...READ);
    if (format === 'qcow2') {
      for (const file of ['a.qcow2', 'b.qcow2']) {
        expect(qemuImg(['check', ...SECRET, ...opts(file)], { cwd: dir })).toMatchObject({ code: 0 });
      }
    }
  });
});

test('the old AES: made by each, read by the other', async () => {
  await inDir(async (dir) => {
    const create = ['-f', 'qcow2', '-o', 'encrypt.format=aes,encrypt.key-secret=sec0'];
    await expectOurs(dir, 'create', '-q', ...SECRET, ...create, 'a.qcow2', '2M');
    expect(qemuCreate([...create, 'b.qcow2', '2M'], dir)).toMatchObject({ code: 0 });
    expect(readFileSync(join(dir, 'a.qcow2')).equals(readFileSync(join(dir, 'b.qcow2')))).toBe(true);
    expectQemuIo(dir, ...SECRET, ...opts('a.qcow2'), ...WRITE);
    await expectOurs(dir, 'io', ...SECRET, ...opts('a.qcow2'), ...READ);
  });
});

const LAYOUTS = [
  '',
  ',cluster_size=512',
  ',preallocation=metadata',
  ',preallocation=falloc,cluster_size=4k',
  ',compat=0.10,cluster_size=1k,preallocation=metadata',
  ',data_file=data.raw,data_file_raw=on',
  ',extended_l2=on,cluster_size=16k,preallocation=metadata,backing_file=base.raw,backing_fmt=raw',
];

test.each(LAYOUTS)('LUKS%s: the same file but for the key material', async (more) => {
  await inDir(async (dir) => {
    writeFileSync(join(dir, 'base.raw'), Buffer.alloc(4096, 1));
    const size = '5242880';
    const args = ['-f', 'qcow2', '-o', `${LUKS}${more}`];
    expect(qemuCreate([...args, 'x.qcow2', size], dir)).toMatchObject({ code: 0 });
    const theirs = readFileSync(join(dir, 'x.qcow2'));
    const data = more.includes('data_file') ? readFileSync(join(dir, 'data.raw')) : undefined;
    await expectOurs(dir, 'create', '-q', ...SECRET, ...args, 'x.qcow2', size);
    const mine = readFileSync(join(dir, 'x.qcow2'));
    expect(mine.length).toBe(theirs.length);
    const at = placeOfLuks(mine);
    // Digest, salts, counts of iterations, UUID, the split key: what chance and time make.
    for (const bytes of [mine, theirs]) {
      for (const [from, length] of [
        [112, 56],
        [168, 40],
        [208 + 4, 36],
        [4096, 256_000],
      ] as const) {
        bytes.fill(0, at + from, at + from + length);
      }
    }
    expect(mine.equals(theirs)).toBe(true);
    if (data) expect(readFileSync(join(dir, 'data.raw')).equals(data)).toBe(true);
    expect(qemuImg(['check', ...SECRET, ...opts('x.qcow2')], { cwd: dir })).toMatchObject({ code: 0 });
  });
});

/** Where the extension says that the LUKS header is. */
function placeOfLuks(file: Buffer): number {
  const type = Buffer.from([0x05, 0x37, 0xbe, 0x77]);
  return Number(file.readBigUInt64BE(file.indexOf(type) + 8));
}

test('key slots: a passphrase more, the first one gone, the last one kept', async () => {
  await inDir(async (dir) => {
    await expectOurs(dir, 'create', '-q', ...SECRET, '-f', 'qcow2', '-o', LUKS, 'x.qcow2', '1M');
    const both = [...SECRET, '--object', 'secret,id=s2,data=second rivulet'];
    const amend = (...more: string[]): string[] => ['amend', ...both, ...more];
    await expectOurs(
      dir,
      ...amend(...opts('x.qcow2'), '-o', 'encrypt.state=active,encrypt.new-secret=s2,encrypt.iter-time=10'),
    );
    expectQemuIo(dir, ...both, ...opts('x.qcow2', '', 's2'), ...WRITE.slice(0, 2));
    const erase = 'encrypt.state=inactive,encrypt.old-secret=sec0';
    await expectOurs(dir, ...amend(...opts('x.qcow2', '', 's2'), '-o', erase));
    expect(qemuIo([...both, ...opts('x.qcow2'), '-c', 'read 0 1'], { cwd: dir }).stderr).toMatch(/Invalid password/);
    const wrong = await ours(dir, 'io', ...both, ...opts('x.qcow2'), '-c', 'read 0 1');
    expect(wrong).toMatchObject({ status: 1, stderr: expect.stringMatching(/passphrase opens none/) });
    const last = await ours(
      dir,
      ...amend(...opts('x.qcow2', '', 's2'), '-o', 'encrypt.state=inactive,encrypt.old-secret=s2'),
    );
    expect(last.status).toBe(1);
    // What QEMU adds opens here.
    const added = qemuImg(
      amend(...opts('x.qcow2', '', 's2'), '-o', 'encrypt.state=active,encrypt.new-secret=sec0,encrypt.iter-time=10'),
      { cwd: dir },
    );
    expect(added).toMatchObject({ code: 0 });
    await expectOurs(dir, 'io', ...SECRET, ...opts('x.qcow2'), ...READ.slice(0, 2));
    expect(qemuImg(['check', ...both, ...opts('x.qcow2')], { cwd: dir })).toMatchObject({ code: 0 });
  });
});

describe('every command', () => {
  test('reads, copies and changes as qemu-img does', async () => {
    await inDir(async (dir) => {
      expect(qemuCreate(['-f', 'qcow2', '-o', LUKS, 'x.qcow2', '3M'], dir)).toMatchObject({ code: 0 });
      await expectOurs(dir, 'io', ...SECRET, ...opts('x.qcow2'), ...WRITE);
      const x = [...SECRET, ...opts('x.qcow2')];
      for (const line of [
        ['map', '--output=json', ...x],
        ['check', ...x],
        ['measure', '-O', 'qcow2', ...x],
        ['measure', '-O', 'qcow2', '-o', LUKS, ...SECRET, '--size', '10M'],
        ['measure', '-O', 'luks', '-o', 'key-secret=sec0', ...SECRET, '--size', '10M'],
      ]) {
        expect(await expectOurs(dir, ...line), line.join(' ')).toBe(qemuImg(line, { cwd: dir }).stdout);
      }
      await expectOurs(dir, 'convert', ...x, '-O', 'raw', 'ours.raw');
      qemuImg(['convert', ...x, '-O', 'raw', 'qemu.raw'], { cwd: dir });
      expect(readFileSync(join(dir, 'ours.raw')).equals(readFileSync(join(dir, 'qemu.raw')))).toBe(true);
      await expectOurs(dir, 'convert', ...x, '-O', 'qcow2', '-o', LUKS, 'copy.qcow2');
      await expectOurs(dir, 'convert', ...x, '-O', 'luks', '-o', 'key-secret=sec0,iter-time=10', 'copy.luks');
      for (const copy of ['copy.qcow2', 'copy.luks']) {
        qemuImg(['convert', ...SECRET, ...opts(copy), '-O', 'raw', 'copy.raw'], { cwd: dir });
        expect(readFileSync(join(dir, 'copy.raw')).equals(readFileSync(join(dir, 'qemu.raw'))), copy).toBe(true);
      }
      const target = opts('copy.qcow2')[1] ?? '';
      await expectOurs(dir, 'convert', '-n', ...SECRET, '--target-image-opts', '-f', 'raw', 'ours.raw', target);
      await expectOurs(
        dir,
        'dd',
        ...SECRET,
        '--image-opts',
        `if=${opts('x.qcow2')[1]}`,
        'of=dd.raw',
        'bs=1M',
        'count=2',
      );
      expect(readFileSync(join(dir, 'dd.raw')).equals(readFileSync(join(dir, 'qemu.raw')).subarray(0, 2 << 20))).toBe(
        true,
      );
      await expectOurs(dir, 'snapshot', '-c', 's', 'x.qcow2');
      await expectOurs(dir, 'resize', '--image-opts', opts('x.qcow2')[1] ?? '', ...SECRET, '4M');
      expect(qemuImg(['check', ...x], { cwd: dir })).toMatchObject({ code: 0 });
    });
  });

  test('an encrypted image below another, committed and rebased', async () => {
    await inDir(async (dir) => {
      expect(qemuCreate(['-f', 'qcow2', '-o', LUKS, 'base.qcow2', '2M'], dir)).toMatchObject({ code: 0 });
      expectQemuIo(dir, ...SECRET, ...opts('base.qcow2'), '-c', 'write -P 7 0 2M');
      await expectOurs(dir, 'create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'top.qcow2');
      const top = [...SECRET, '--image-opts', 'driver=qcow2,file.filename=top.qcow2,backing.encrypt.key-secret=sec0'];
      await expectOurs(
        dir,
        'io',
        ...top,
        '-c',
        'read -P 7 0 2M',
        '-c',
        'write -P 9 100k 10k',
        '-c',
        'read -P 7 90k 10k',
      );
      await expectOurs(dir, 'commit', ...top);
      expectQemuIo(dir, ...SECRET, ...opts('base.qcow2'), '-c', 'read -P 9 100k 10k', '-c', 'read -P 7 110k 10k');
      await expectOurs(dir, 'rebase', ...top, '-b', '');
      expectQemuIo(dir, '-f', 'qcow2', 'top.qcow2', '-c', 'read -P 9 100k 10k', '-c', 'read -P 7 110k 10k');
    });
  });

  test('what cannot be is refused in words, and leaves nothing', async () => {
    await inDir(async (dir) => {
      const refused: readonly (readonly [string[], RegExp])[] = [
        [['create', '-f', 'qcow2', '-o', 'encrypt.format=luks', 'n.qcow2', '1M'], /needs a passphrase/],
        [['create', '-f', 'qcow2', '-o', LUKS, 'n.qcow2', '1M'], /no secret "sec0"/],
        [['create', ...SECRET, '-f', 'qcow2', '-o', `${LUKS},encrypt.cipher-alg=serpent-256`, 'n.qcow2', '1M'], /AES/],
        [['create', ...SECRET, '-f', 'qcow2', '-o', 'encrypt.key-secret=sec0', 'n.qcow2', '1M'], /no encryption/],
        [['create', ...SECRET, '-f', 'qcow2', '-o', `${LUKS},encryption=on`, 'n.qcow2', '1M'], /exclude each other/],
        [['create', '--object', 'tls-creds-x509,id=a', '-f', 'raw', 'n.qcow2', '1M'], /tls-creds-x509 is not/],
        [['create', '--object', 'secret,id=a,data=rivulet,keyid=b,iv=c', '-f', 'raw', 'n.qcow2', '1M'], /keyid/],
        [['create', '--object', 'secret,id=a,data=r!vulet,format=base64', '-f', 'raw', 'n.qcow2', '1M'], /not base64/],
        [['create', '--object', '{"qom-type":"secret","id":"rivulet', '-f', 'raw', 'n.qcow2', '1M'], /not JSON/],
      ];
      for (const [line, words] of refused) {
        const { status, stderr } = await ours(dir, ...line);
        expect(stderr, line.join(' ')).toMatch(words);
        expect(status).toBe(1);
        expect(existsSync(join(dir, 'n.qcow2')), line.join(' ')).toBe(false);
      }
    });
  });

  test('a secret from a file, as base64 and as JSON', async () => {
    await inDir(async (dir) => {
      writeFileSync(join(dir, 'pass'), PASSPHRASE);
      await expectOurs(
        dir,
        'create',
        '-q',
        '--object',
        'secret,id=sec0,file=pass',
        '-f',
        'qcow2',
        '-o',
        LUKS,
        'x.qcow2',
        '1M',
      );
      const base64 = Buffer.from(PASSPHRASE).toString('base64');
      for (const object of [
        `secret,id=sec0,data=${base64},format=base64`,
        JSON.stringify({ 'qom-type': 'secret', id: 'sec0', data: PASSPHRASE }),
      ]) {
        await expectOurs(dir, 'io', '--object', object, ...opts('x.qcow2'), '-c', 'read -P 0 0 1M');
      }
    });
  });
});

test('tables need no passphrase, and bytes do', async () => {
  await inDir(async (dir) => {
    expect(qemuCreate(['-f', 'qcow2', '-o', LUKS, 'x.qcow2', '1M'], dir)).toMatchObject({ code: 0 });
    expectQemuIo(dir, ...SECRET, ...opts('x.qcow2'), '-c', 'write 0 64k');
    for (const line of ['info', 'check', 'map --output=json', 'measure -O raw']) {
      await expectOurs(dir, ...line.split(' '), 'x.qcow2');
    }
    for (const line of ['convert -O raw x.qcow2 o.raw', 'compare x.qcow2 x.qcow2', 'dd if=x.qcow2 of=o.raw']) {
      const { status, stderr } = await ours(dir, ...line.split(' '));
      expect(stderr, line).toMatch(/encrypted, and no passphrase/);
      expect(status, line).toBeGreaterThan(0);
      expect(existsSync(join(dir, 'o.raw'))).toBe(false);
    }
  });
});

test('an encrypted disk becomes version 2 with its zeros; qemu-img leaves noise', async () => {
  await inDir(async (dir) => {
    writeFileSync(join(dir, 'base.raw'), Buffer.alloc(2 ** 20, 0xbb));
    const options = `${LUKS},backing_file=base.raw,backing_fmt=raw`;
    expect(qemuCreate(['-f', 'qcow2', '-o', options, 'x.qcow2'], dir)).toMatchObject({ code: 0 });
    const zeros = ['-c', 'write 0 64k', '-c', 'write -z 64k 64k'];
    expectQemuIo(dir, ...SECRET, ...opts('x.qcow2'), ...zeros);
    writeFileSync(join(dir, 'y.qcow2'), readFileSync(join(dir, 'x.qcow2')));
    const look = ['-c', 'read -P 0 64k 64k'];
    expect(qemuImg(['amend', ...SECRET, ...opts('y.qcow2'), '-o', 'compat=0.10'], { cwd: dir }).code).toBe(0);
    const lost = qemuIo([...SECRET, ...opts('y.qcow2'), ...look], { cwd: dir });
    expect(lost.stdout + lost.stderr).toMatch(/Pattern verification failed/);
    const locked = await ours(dir, 'amend', '-o', 'compat=0.10', 'x.qcow2');
    expect(locked.stderr).toMatch(/encrypted, and no passphrase/);
    await expectOurs(dir, 'amend', ...SECRET, ...opts('x.qcow2'), '-o', 'compat=0.10');
    const kept = qemuIo([...SECRET, ...opts('x.qcow2'), ...look], { cwd: dir });
    expect(kept.stdout + kept.stderr).not.toMatch(/failed/);
    expect(qemuImg(['check', ...SECRET, ...opts('x.qcow2')], { cwd: dir })).toMatchObject({ code: 0 });
  });
});

test("an image given by its options is called by its file's name", async () => {
  await inDir(async (dir) => {
    await expectOurs(dir, 'create', '-q', ...SECRET, '-f', 'qcow2', '-o', LUKS, 'x.qcow2', '1M');
    const said = await expectOurs(dir, 'info', ...SECRET, ...opts('x.qcow2'));
    expect(said).toMatch(/^image: x\.qcow2$/m);
    expect(said).toMatch(/^encrypted: yes$/m);
    const theirs = qemuImg(['info', ...SECRET, ...opts('x.qcow2')], { cwd: dir }).stdout;
    const rest = (text: string): string => text.replace(/^(image|disk size): .*\n/gm, '');
    expect(rest(said)).toBe(rest(theirs));
  });
});
