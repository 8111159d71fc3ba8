/** An image of ours is a disk to a real machine: QEMU boots with it and its firmware names the disk and its size. */
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findFormat } from '../engine/formats/index.ts';
import type { FileLayout } from '../engine/image/layout.ts';
import { loadCreator } from '../testing/oracle/create-pair.ts';
import { imageInfo, qemuImgOrThrow } from '../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../testing/oracle/temp-dir.ts';
import { emitLayout } from './create.ts';

function writeImage(layout: FileLayout, path: string): void {
  const fd = openSync(path, 'w');
  ftruncateSync(fd, layout.length);
  for (const step of emitLayout(layout)) {
    if (step.kind === 'emit') writeSync(fd, step.bytes, 0, step.bytes.length, step.at);
  }
  closeSync(fd);
}

/** What SeaBIOS says on its debug port until it finds nothing to boot from. */
function firmwareLog(image: string): string {
  const machine = ['-M', 'pc', '-accel', 'tcg', '-m', '64', '-nodefaults', '-display', 'none', '-net', 'none'];
  const log = ['-chardev', 'stdio,id=log', '-device', 'isa-debugcon,iobase=0x402,chardev=log'];
  // With nothing to boot the firmware asks for a reboot at once, and that ends the machine.
  const end = ['-no-reboot', '-boot', 'reboot-timeout=0'];
  const disk = ['-drive', `file=${image},format=qcow2,if=ide`];
  const done = spawnSync('qemu-system-x86_64', [...machine, ...log, ...end, ...disk], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (done.error) throw new Error(`qemu-system-x86_64 did not run to its end: ${done.error.message}\n${done.stderr}`);
  return done.stdout;
}

test.each([
  ['blank', {}],
  ['extended L2, metadata laid out', { extended_l2: 'on', preallocation: 'metadata' }],
  ['small clusters, all written', { cluster_size: '4K', preallocation: 'full' }],
])('%s', async (_name, texts) => {
  const { driver } = await loadCreator(findFormat('qcow2'));
  const { image } = driver.layout({ texts: { ...texts, size: '48M' } });
  withTempDir((dir) => {
    const path = join(dir, 'disk.qcow2');
    writeImage(image, path);
    expect(imageInfo(path)).toMatchObject({ format: 'qcow2', 'virtual-size': 48 * 1024 * 1024 });
    qemuImgOrThrow(['check', path]);
    const log = firmwareLog(path);
    expect(log).toMatch(/QEMU HARDDISK.*\(48 MiBytes\)/);
    expect(log).toContain('Booting from Hard Disk');
    expect(log).toContain('not a bootable disk');
  });
});
