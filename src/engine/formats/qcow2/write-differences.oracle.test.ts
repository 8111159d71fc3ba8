/** Where writing in QEMU loses or shows bytes, and ours does not. Each is shown from both sides. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diskwright } from '../../../testing/oracle/command-pair.ts';
import { qemuImg, qemuIo } from '../../../testing/oracle/qemu-tools.ts';
import { withTempDirAsync } from '../../../testing/oracle/temp-dir.ts';

/** The same lines for both; `io` lines hold commands separated by `;`. Each gets a file of its own. */
async function both(lines: readonly string[], dir: string): Promise<{ qemu: string; ours: string }> {
  const outputs = { qemu: '', ours: '' };
  for (const line of lines) {
    const [program = '', ...rest] = line.split(' ');
    const words = (file: string): string[] =>
      program === 'io'
        ? [
            '-f',
            'qcow2',
            ...rest
              .join(' ')
              .split(';')
              .flatMap((one) => ['-c', one]),
            file,
          ]
        : [program, ...rest].map((word) => (word === 'IMAGE' ? file : word));
    const there = program === 'io' ? qemuIo(words('qemu'), { cwd: dir }) : qemuImg(words('qemu'), { cwd: dir });
    outputs.qemu += there.stdout + there.stderr;
    const here = await diskwright(program === 'io' ? ['io', ...words('ours')] : words('ours'), dir);
    outputs.ours += here.stdout + here.stderr;
  }
  return outputs;
}

test('a compressed write goes on only in a cluster that is still its own', async () => {
  await withTempDirAsync(async (dir) => {
    const lines = [
      'create -q -f qcow2 IMAGE 1M',
      'io write -c -P 1 0 64k;discard 0 64k;write -P 5 64k 64k;write -c -P 6 128k 64k',
    ];
    await both(lines, dir);
    const read = await both(['io read -P 5 64k 64k'], dir);
    expect(read.qemu).toContain('Pattern verification failed');
    expect(read.ours).not.toContain('Pattern verification failed');
    expect(qemuImg(['check', 'qemu'], { cwd: dir }).code).toBe(2);
    expect(qemuImg(['check', 'ours'], { cwd: dir }).code).toBe(0);
  });
});

test('what a disk grows by reads as zeros, also in clusters that were used before', async () => {
  await withTempDirAsync(async (dir) => {
    const lines = [
      'create -q -f qcow2 -o cluster_size=512 IMAGE 16k',
      'io write -P 1 0 16k',
      'bitmap --add IMAGE b0',
      'bitmap --add IMAGE b1',
      'bitmap --remove IMAGE b0',
      'bitmap --remove IMAGE b1',
      'resize -q -f qcow2 --preallocation=metadata IMAGE 16896',
    ];
    await both(lines, dir);
    const read = await both(['io read -P 0 16k 512'], dir);
    expect(read.qemu).toContain('Pattern verification failed');
    expect(read.ours).not.toContain('Pattern verification failed');
    // Nothing else differs.
    const [qemu, ours] = ['qemu', 'ours'].map((name) => readFileSync(join(dir, name))) as [Buffer, Buffer];
    expect(ours.length).toBe(qemu.length);
    const places = new Set<number>();
    for (let at = 0; at < ours.length; at++) if (ours[at] !== qemu[at]) places.add(Math.floor(at / 512));
    expect(places.size).toBe(1);
  });
});

test('a repair keeps the snapshots of an image with autoclear features of unknown meaning', async () => {
  await withTempDirAsync(async (dir) => {
    await both(['create -q -f qcow2 IMAGE 1M', 'io write -P 1 0 256k', 'snapshot -c one IMAGE'], dir);
    for (const name of ['qemu', 'ours']) {
      const bytes = readFileSync(join(dir, name));
      bytes.writeUInt8(0x80, 88);
      writeFileSync(join(dir, name), bytes);
    }
    await both(['check -q -r leaks IMAGE'], dir);
    const { qemu, ours } = await both(['snapshot -l IMAGE'], dir);
    expect(qemu).toBe('');
    expect(ours).toContain('one');
    expect(qemuImg(['check', 'ours'], { cwd: dir }).code).toBe(0);
  });
});
