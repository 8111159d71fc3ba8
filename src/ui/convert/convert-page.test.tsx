import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { useState } from 'react';
import { afterEach, expect, test, vi } from 'vitest';
import { DiskwrightError } from '../../engine/errors.ts';
import type { OpenOrder, OpenReport } from '../../worker/open/protocol.ts';
import { createFakeEngine, type FakeEngine } from '../testing/fake-engine.ts';
import { createFakeInspector, reportOf } from '../testing/fake-inspector.ts';
import ConvertPage from './convert-page.tsx';

type Reports = Readonly<Record<string, Partial<OpenReport>>>;

function Place({ engine, onLook }: { engine: FakeEngine; onLook: (files: readonly File[]) => void }) {
  const [arrived, setArrived] = useState<OpenOrder>();
  return (
    <ConvertPage
      client={engine}
      active
      arrived={arrived}
      title="usual"
      onFiles={(files) => setArrived({ id: String(Math.random()), files })}
      onLook={onLook}
    />
  );
}

/** The place alone, with files that are what the test says. */
function renderPlace(reports: Reports = {}) {
  const engine = createFakeEngine();
  const inspector = createFakeInspector();
  const asked: OpenOrder[] = [];
  const looked: File[][] = [];
  inspector.ask = async (order) => {
    asked.push(order);
    const [first] = order.files;
    const name = first?.file.name ?? '';
    const here = order.files.map(({ file, as }) => as ?? file.name);
    const { missing = [], locked = [], ...rest } = reports[name] ?? {};
    return reportOf({
      name,
      length: 100 * 2 ** 20,
      virtualSize: 2 ** 30,
      ...rest,
      missing: missing.filter((one) => !here.includes(one.name)),
      locked: first?.passphrase ? [] : locked,
    }) as never;
  };
  engine.inspector = async () => inspector;
  const user = userEvent.setup({ delay: null });
  render(<Place engine={engine} onLook={(files) => looked.push([...files])} />);
  async function choose(...names: string[]) {
    const field = screen.getAllByLabelText('Images to convert')[0] as HTMLInputElement;
    await user.upload(
      field,
      names.map((name) => new File(['x'], name)),
    );
  }
  return { engine, user, asked, looked, choose, conversions: engine.conversions };
}

const button = (name: string | RegExp) => screen.getByRole('button', { name });
const go = (words: string | RegExp) => screen.findByRole('button', { name: words });
const commands = () => document.querySelector('.commands')?.textContent;

afterEach(() => vi.unstubAllGlobals());

test('one image: what it is, what it becomes, and the click that starts it', async () => {
  const { user, choose, conversions } = renderPlace();
  await choose('disk.raw');
  const card = await screen.findByRole('listitem', { name: 'disk.raw' });
  expect(card.textContent).toContain('A 1 GiB disk in a 100 MiB qcow2 file.');
  await go(/Convert and save disk\.qcow2/);
  expect(commands()).toBe('qemu-img convert -f qcow2 -O qcow2 disk.raw disk.qcow2');
  await user.click(screen.getByRole('radio', { name: 'dd, cloud' }));
  await user.click(await go(/Convert and save disk\.img/));
  await waitFor(() => expect(conversions.runs.length).toBe(1));
  expect(conversions.runs[0]?.order).toMatchObject({ format: 'raw', texts: {}, fileName: 'disk.img' });
  expect(conversions.runs[0]?.order.compress).toBe(undefined);
});

test('presets set format, options and compression; a change makes them one’s own', async () => {
  const { user, choose, conversions } = renderPlace();
  await choose('disk.raw');
  await go(/Convert and save/);
  await user.click(screen.getByRole('radio', { name: 'Small download' }));
  expect(screen.getByRole<HTMLInputElement>('switch', { name: 'Compress' }).checked).toBe(true);
  expect(commands()).toContain(' -c ');
  await user.selectOptions(screen.getByRole('combobox', { name: 'Level' }), '9, smallest');
  expect(screen.getByText(/Level 9 is this page's own/)).toBeTruthy();
  await user.click(screen.getByRole('radio', { name: 'Old QEMU' }));
  expect(commands()).toContain('-o compat=0.10');
  await user.click(screen.getByRole('switch', { name: 'Compress' }));
  expect(screen.getByText('Your own choice of options, below.')).toBeTruthy();
  await user.click(await go(/Convert and save/));
  await waitFor(() => expect(conversions.runs.length).toBe(1));
  expect(conversions.runs[0]?.order).toMatchObject({ texts: { compat: '0.10' }, compress: { level: 9 } });
});

test('what does not go together is said under its field, with the way out', async () => {
  const { user, choose } = renderPlace();
  await choose('disk.raw');
  await go(/Convert and save/);
  await user.click(screen.getByRole('radio', { name: 'Small download' }));
  await user.click(screen.getByRole('radio', { name: 'full' }));
  await go(/Settle 1 problem to convert/);
  expect(screen.getAllByText('Compression and preallocation exclude each other.').length).toBeGreaterThan(0);
  await user.click(button('Set preallocation off'));
  await go(/Convert and save/);
});

test('a chain is one image; a file that is missing is asked for by its name', async () => {
  const missing = [{ role: 'backing image', name: 'base.qcow2', by: 'top.qcow2' }] as const;
  const { user, choose, conversions } = renderPlace({ 'top.qcow2': { missing } });
  await choose('top.qcow2');
  await go(/Settle 1 problem/);
  await user.click(button(/Settle 1 problem/));
  expect(document.activeElement?.textContent).toBe('Add base.qcow2');
  const field = screen.getByLabelText<HTMLInputElement>('Missing file base.qcow2');
  await user.upload(field, new File(['x'], 'renamed.qcow2'));
  await user.click(await go(/Convert and save top-copy\.qcow2/));
  await waitFor(() => expect(conversions.runs.length).toBe(1));
  const [source] = conversions.runs[0]?.order.sources ?? [];
  expect(source?.files.map(({ file, as }) => [file.name, as])).toEqual([
    ['top.qcow2', undefined],
    ['renamed.qcow2', 'base.qcow2'],
  ]);
});

test('files dropped together are joined to their images; those that come later as well', async () => {
  const missing = [{ role: 'backing image', name: 'base.qcow2', by: '' }] as const;
  const { choose } = renderPlace({ 'a.qcow2': { missing }, 'b.qcow2': { missing } });
  await choose('a.qcow2', 'base.qcow2', 'other.raw');
  await go(/Convert and save 2 images/);
  expect(screen.getAllByRole('heading', { level: 3 }).map((one) => one.textContent)).toEqual(['a.qcow2', 'other.raw']);
  await choose('b.qcow2');
  await go(/Settle 1 problem/);
  await choose('base.qcow2');
  await go(/Convert and save 3 images/);
});

test('an encrypted image is unlocked first', async () => {
  const { user, choose, asked } = renderPlace({
    'vault.qcow2': { encrypted: true, locked: [{ name: 'vault.qcow2', kind: 'luks', wrong: false }] },
  });
  await choose('vault.qcow2');
  await go(/Settle 1 problem/);
  await user.type(screen.getByLabelText('Passphrase'), 'secret');
  await user.click(button('Unlock'));
  await go(/Convert and save/);
  expect(asked.at(-1)?.files[0]?.passphrase).toEqual(new TextEncoder().encode('secret'));
});

test('a snapshot is converted under its name', async () => {
  const snapshots = [
    { id: '1', name: 'clean', vmStateSize: 0n, seconds: 1_700_000_000, nanoseconds: 0, clock: 0n },
  ] as const;
  const { user, choose, conversions } = renderPlace({ 'web.qcow2': { snapshots } });
  await choose('web.qcow2');
  await go(/Convert and save/);
  await user.selectOptions(screen.getByRole('combobox', { name: 'State' }), '1');
  await user.click(await go(/Convert and save web-clean\.qcow2/));
  await waitFor(() => expect(conversions.runs[0]?.order.snapshot).toEqual({ id: '1', name: 'clean' }));
});

test('three images wait in a row: progress, ratio, what is left out, and the end of each', async () => {
  const { user, choose, conversions } = renderPlace();
  await choose('a.raw', 'b.raw', 'c.raw');
  await user.click(await go(/Convert and save 3 images/));
  await waitFor(() => expect(conversions.runs.length).toBe(1));
  expect(screen.getByText('1 running, 2 waiting')).toBeTruthy();
  const MiB = 2 ** 20;
  act(() =>
    conversions.runs[0]?.progress({
      done: 25 * MiB,
      rate: MiB,
      eta: 75,
      written: 10 * MiB,
      packed: { from: 20 * MiB, to: 5 * MiB },
    }),
  );
  const card = screen.getByRole('listitem', { name: 'a.qcow2' });
  expect(card.textContent).toContain('25 MiB of 100 MiB read');
  expect(card.textContent).toContain('10 MiB in the new file');
  expect(card.textContent).toContain('Shrinks to25 %');
  expect(card.textContent).toContain('Left1 min 15 s');
  await waitFor(() => expect(document.title).toBe('25 % of a.qcow2 (1 of 3)'));
  // The focus is on the job that runs: Escape stops it, and the next one begins.
  await waitFor(() => expect(document.activeElement?.textContent).toContain('Cancel'));
  await user.keyboard('{Escape}');
  await within(card).findByText(/Cancelled: no file was left behind/);
  await waitFor(() => expect(conversions.runs.length).toBe(2));
  act(() => conversions.runs[1]?.fail(new DiskwrightError('corrupt', 'b.raw ends at 5 MiB.')));
  expect((await screen.findByRole('alert')).textContent).toContain('b.qcow2 was not made. b.raw ends at 5 MiB.');
  await waitFor(() => expect(conversions.runs.length).toBe(3));
  await act(async () => conversions.runs[2]?.finish());
  await screen.findByText('All conversions are done');
  expect(screen.getByText('1 saved, 1 failed, 1 cancelled')).toBeTruthy();
});

test('one that waits is cancelled before it starts, and what it held is given back', async () => {
  const { user, choose, conversions } = renderPlace();
  await choose('a.raw', 'b.raw');
  await user.click(await go(/Convert and save 2 images/));
  await waitFor(() => expect(conversions.runs.length).toBe(1));
  await user.click(button('Cancel b.qcow2'));
  expect(conversions.dropped).toEqual(['b.qcow2']);
  await act(async () => conversions.runs[0]?.finish());
  await screen.findByText('1 saved, 1 cancelled');
  expect(conversions.runs.length).toBe(1);
});

test('finished: sizes, verdict, digest, the next step with the real name, and a look inside', async () => {
  const { user, choose, conversions, looked } = renderPlace();
  await choose('disk.raw');
  await user.click(await screen.findByRole('radio', { name: 'Proxmox' }));
  await user.click(await go(/Convert and save disk\.qcow2/));
  await waitFor(() => expect(conversions.runs.length).toBe(1));
  await act(async () => conversions.runs[0]?.finish());
  await screen.findByText('No errors, no leaks');
  expect(screen.getByText('is saved')).toBeTruthy();
  expect(screen.getByText(/41,943,040 bytes\. A 1 GiB disk for the guest\./)).toBeTruthy();
  expect(screen.getByText(/(ab){16}/)).toBeTruthy();
  expect(screen.getByRole('tab', { name: 'Proxmox' }).getAttribute('aria-selected')).toBe('true');
  expect(screen.getByText('qm disk import 100 disk.qcow2 local-lvm')).toBeTruthy();
  await user.click(button('Look inside'));
  expect(looked[0]?.map((file) => file.name)).toEqual(['disk.qcow2']);
  await user.click(button('Convert again'));
  await go(/Convert and save disk\.qcow2/);
});

test('the engine’s refusal stands beside the sizes, and nothing starts', async () => {
  const { user, choose, conversions } = renderPlace();
  conversions.outlook = new DiskwrightError('unsupported', 'This disk cannot be read.', { fix: 'Repair it.' });
  await choose('disk.raw');
  await go(/Settle 1 problem/);
  expect(screen.getByRole('alert').textContent).toContain('This disk cannot be read. Repair it.');
  await user.keyboard('{Control>}{Enter}{/Control}');
  expect(conversions.runs.length).toBe(0);
});

test('ways of saving are told with their price, and the chosen one is taken', async () => {
  const { user, choose, conversions } = renderPlace();
  await choose('disk.raw');
  await go(/Convert and save/);
  expect(screen.getByText('two passes')).toBeTruthy();
  await user.click(screen.getByRole('radio', { name: /built here first/ }));
  await user.click(await go(/Convert and save/));
  await waitFor(() => expect(conversions.runs[0]?.way.sink).toBe('opfs'));
});

test('two new files cannot have one name, nor that of a source', async () => {
  const { user, choose } = renderPlace();
  await choose('a.raw', 'b.raw');
  await go(/Convert and save 2 images/);
  const [, second] = screen.getAllByLabelText('Save as');
  fireEvent.change(second as HTMLElement, { target: { value: 'A.qcow2' } });
  await go(/Settle 2 problems/);
  fireEvent.change(second as HTMLElement, { target: { value: 'a.raw' } });
  expect(screen.getAllByText(/A file that is read has this name/).length).toBeGreaterThan(0);
  await user.click(screen.getAllByRole('button', { name: 'Use the proposed name' })[0] as HTMLElement);
  await go(/Convert and save 2 images/);
});

test('nothing that is read can be saved over: data files, backing files, sources of what still runs', async () => {
  const { user, choose, conversions } = renderPlace();
  await choose('disk.raw');
  await go(/Convert and save/);
  await user.type(document.querySelector('#convert-option-data_file') as HTMLElement, 'Disk.raw');
  await go(/Settle 1 problem/);
  expect(screen.getAllByText(/A file that is read has this name/).length).toBeGreaterThan(0);
  await user.click(button('Remove the data file'));
  await user.upload(screen.getByLabelText('Backing file of the new image'), new File(['x'], 'below.qcow2'));
  await go(/Convert and save/);
  fireEvent.change(screen.getByLabelText('Save as'), { target: { value: 'below.qcow2' } });
  await go(/Settle/);
  fireEvent.change(screen.getByLabelText('Save as'), { target: { value: 'over.qcow2' } });
  await user.click(await go(/Convert and save over\.qcow2/));
  await waitFor(() => expect(conversions.runs.length).toBe(1));
  await choose('next.raw');
  await go(/Queue next\.qcow2/);
  for (const name of ['disk.raw', 'over.qcow2']) {
    fireEvent.change(screen.getByLabelText('Save as'), { target: { value: name } });
    await go(/Settle/);
  }
});

test('the screen stays awake while something runs, also after the page was hidden', async () => {
  const released: string[] = [];
  let count = 0;
  const request = vi.fn(async () => {
    const name = `lock ${++count}`;
    const lock = { released: false, release: async () => void released.push(name) };
    locks.push(lock);
    return lock;
  });
  const locks: { released: boolean }[] = [];
  Object.defineProperty(navigator, 'wakeLock', { configurable: true, value: { request } });
  const { user, choose, conversions } = renderPlace();
  await choose('a.raw');
  await go(/Convert and save/);
  expect(request).not.toHaveBeenCalled();
  await user.click(button(/Convert and save/));
  await waitFor(() => expect(request).toHaveBeenCalledTimes(1));
  // Leaving the page asks first.
  expect(window.dispatchEvent(new Event('beforeunload', { cancelable: true }))).toBe(false);
  // The browser lets go of it when the page is hidden; once it is back it is asked for again.
  const [first] = locks;
  if (first) first.released = true;
  document.dispatchEvent(new Event('visibilitychange'));
  await waitFor(() => expect(request).toHaveBeenCalledTimes(2));
  await act(async () => conversions.runs[0]?.finish());
  await waitFor(() => expect(released).toEqual(['lock 2']));
  expect(window.dispatchEvent(new Event('beforeunload', { cancelable: true }))).toBe(true);
  Reflect.deleteProperty(navigator, 'wakeLock');
});
