import { act, screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { DiskwrightError } from '../../engine/errors.ts';
import { pasteCommand, renderPage } from '../testing/render-page.tsx';

const button = (name: string | RegExp) => screen.getByRole('button', { name });

test('Ctrl+Enter builds; phase, bytes, rate and time left are shown', async () => {
  const { engine, user } = await renderPage();
  await user.keyboard('{Control>}{Enter}{/Control}');
  expect(engine.saves.map((save) => save.order)).toEqual([
    { format: 'qcow2', texts: { size: '32G' }, fileName: 'disk.qcow2', gzip: false },
  ]);
  act(() =>
    engine.saves[0]?.progress({ phase: 'Writing tables', done: 2 ** 20, total: 2 ** 22, rate: 2 ** 20, eta: 3 }),
  );
  expect(await screen.findByRole('heading', { name: 'Writing tables' })).toBeTruthy();
  const bar = screen.getByRole<HTMLProgressElement>('progressbar', { name: 'Writing tables' });
  expect(bar.value / bar.max).toBe(0.25);
  expect(screen.getByText('1 MiB of 4 MiB')).toBeTruthy();
  const panel = within(screen.getByRole('region', { name: 'Writing tables' }));
  expect(panel.getByText('Left').parentElement?.textContent).toBe('Left3 s');
  expect(panel.getByText('Rate').parentElement?.textContent).toBe('Rate1 MiB/s');
  // The form waits, unreachable.
  expect(screen.getByRole('form', { name: 'Image', hidden: true }).closest('[inert]')).not.toBe(null);
});

test('Escape cancels and the form comes back', async () => {
  const { user } = await renderPage();
  await user.click(button('Build and save disk.qcow2'));
  expect(screen.getByText('Cancelling leaves no file behind.')).toBeTruthy();
  await user.keyboard('{Escape}');
  await screen.findByText('Cancelled.');
  expect(button('Build and save disk.qcow2')).toBeTruthy();
  await user.click(button('Dismiss'));
  expect(screen.queryByText('Cancelled.')).toBe(null);
});

test('a failure says what, why and what to do', async () => {
  const { engine, user } = await renderPage();
  await user.click(button('Build and save disk.qcow2'));
  engine.saves[0]?.fail(new DiskwrightError('no-space', 'The disk is full at 5 MiB.'));
  const alert = await screen.findByRole('alert');
  expect(alert.textContent).toContain('disk.qcow2 was not built. The disk is full at 5 MiB. Free some space');
});

test('finished: the file, its sizes and digests, and the next step with its real name', async () => {
  const { engine, user } = await renderPage();
  await pasteCommand(user, "qemu-img create -f qcow2 'my disk.qcow2' 32G");
  await user.click(button('Build and save my disk.qcow2'));
  await act(async () => engine.saves[0]?.finish());
  const title = await screen.findByRole('heading', { name: 'my disk.qcow2 is saved' });
  await waitFor(() => expect(document.activeElement).toBe(title));
  expect(screen.getByText(/197,120 bytes\. Small is right/)).toBeTruthy();
  expect(screen.getByText('No errors, no leaks')).toBeTruthy();
  expect(screen.getByText(/d540e67a60a1b940ac9dda21e516b957/)).toBeTruthy();
  expect(screen.getByText(/-drive 'file=my disk\.qcow2,format=qcow2,if=virtio'/)).toBeTruthy();
  await user.click(screen.getByRole('tab', { name: 'QEMU' }));
  await user.keyboard('{ArrowRight}{ArrowRight}');
  expect(screen.getByRole('tab', { name: 'Proxmox' }).getAttribute('aria-selected')).toBe('true');
  expect(screen.getByText("qm disk import 100 'my disk.qcow2' local-lvm")).toBeTruthy();
  await user.click(button('Save again'));
  expect(engine.saves.length).toBe(2);
  await act(async () => engine.saves[1]?.finish());
  await user.click(await screen.findByRole('button', { name: 'Build another' }));
  expect(button('Build and save my disk.qcow2')).toBeTruthy();
});

test('a damaged image is said, with what was found and what to do', async () => {
  const { engine, user } = await renderPage();
  await user.click(button('Build and save disk.qcow2'));
  const check = {
    verdict: 'damaged',
    findings: ['cluster 5 counts 2 and is referenced 1 times'],
    read: 'file',
  } as const;
  await act(async () => engine.saves[0]?.finish({ check }));
  expect(await screen.findByText('The image is damaged')).toBeTruthy();
  expect(screen.getByText('cluster 5 counts 2 and is referenced 1 times')).toBeTruthy();
  expect(screen.getByText(/Delete the file and save again/)).toBeTruthy();
});

test('a data file has its own name, sizes and digest; a large one is hashed when asked', async () => {
  const { engine, user } = await renderPage();
  await pasteCommand(user, 'qemu-img create -f qcow2 -o data_file=d.raw disk.qcow2 32G');
  await user.click(button('Build and save disk.qcow2'));
  await act(async () => engine.saves[0]?.finish());
  await screen.findByRole('heading', { name: 'disk.qcow2 and d.raw are saved' });
  const data = within(screen.getByRole('region', { name: 'd.raw' }));
  await user.click(data.getByRole('button', { name: 'Compute SHA-256' }));
  expect(engine.digests.map((one) => one.which)).toEqual(['data']);
  await act(async () => engine.digests[0]?.answer('ab'.repeat(32)));
  expect(await data.findByText(/(ab){16}/)).toBeTruthy();
});

test('a raw image can be saved compressed', async () => {
  const { engine, user } = await renderPage();
  expect(screen.queryByRole('checkbox', { name: /Save as \.gz/ })).toBe(null);
  await user.click(screen.getByRole('radio', { name: 'raw' }));
  await user.click(await screen.findByRole('checkbox', { name: /Save as \.gz/ }));
  await user.click(button('Build and save disk.img.gz'));
  expect(engine.saves[0]?.order).toMatchObject({ fileName: 'disk.img', gzip: true });
  await act(async () => engine.saves[0]?.finish());
  await screen.findByText('gunzip disk.img.gz');
});
