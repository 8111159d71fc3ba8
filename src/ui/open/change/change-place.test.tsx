/** Changing an open image, from the list of changes to the saved file, over an engine in the test's hand. */
import { act, render, screen, waitFor, within } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { DiskwrightError } from '../../../engine/errors.ts';
import type { OpenReport } from '../../../worker/open/protocol.ts';
import { createFakeEngine } from '../../testing/fake-engine.ts';
import { createFakeInspector, type FakeInspector, offersBut, planOf, reportOf } from '../../testing/fake-inspector.ts';
import OpenPage from '../open-page.tsx';

const order = { id: 'one', files: [{ file: new File(['x'], 'web-01.qcow2') }] };

async function open(prepare: (inspector: FakeInspector) => void = () => {}, report?: OpenReport) {
  const inspector = createFakeInspector(report);
  prepare(inspector);
  const engine = { ...createFakeEngine(), inspector: async () => inspector };
  const user = userEvent.setup({ delay: null });
  const onFiles = vi.fn();
  render(<OpenPage client={engine} order={order} onFiles={onFiles} onOrder={() => {}} onConvert={() => {}} />);
  const menu = within(await screen.findByRole('region', { name: 'Change it' }));
  await waitFor(() => expect(menu.getByRole('button', { name: 'Repair' })).toHaveProperty('disabled', false));
  const goTo = async (place: string) => {
    await user.click(menu.getByRole('button', { name: place }));
    await screen.findByRole('heading', { name: place, level: 2 });
  };
  return { engine, inspector, user, onFiles, menu, goTo };
}

const button = (name: string | RegExp) => screen.findByRole('button', { name });

test('what the image cannot have is disabled with its reason', async () => {
  const message = "The guest's data is in a data file.";
  const { menu, user, goTo } = await open((inspector) => {
    inspector.offers = offersBut({
      compact: { message, fix: 'Convert it.' },
      flatten: { message: 'No.' },
      'snapshot-create': { message: 'Snapshots need the data in the image.' },
    });
  });
  const compact = menu.getByRole<HTMLButtonElement>('button', { name: 'Compact' });
  expect(compact.disabled).toBe(true);
  expect(compact.getAttribute('aria-describedby')).toBe(menu.getByText(`${message} Convert it.`).parentElement?.id);
  // Of what consists of several, one is enough.
  expect(menu.getByRole('button', { name: 'Backing file' })).toHaveProperty('disabled', false);
  await goTo('Snapshots');
  expect(screen.getByRole('radio', { name: 'Make one' })).toHaveProperty('disabled', true);
  expect(screen.getByText('Snapshots need the data in the image.')).toBeTruthy();
  const way = within(screen.getByRole('navigation', { name: 'Changes' }));
  await user.click(way.getByRole('button', { name: /Compact/ }));
  expect(await screen.findByText(`${message} Convert it.`, { selector: '.why--large span' })).toBeTruthy();
  expect(screen.queryByRole('button', { name: /^Save/ })).toBe(null);
});

test('from the findings to the repair, planned at once, saved under a typed name', async () => {
  const { inspector, user, onFiles } = await open((one) => {
    one.check = { ...one.check, corruptions: 1 };
  });
  await user.click(await button('Check the image'));
  await user.click(await button('Repair into a new file'));
  await screen.findByRole('heading', { name: 'Repair', level: 2 });
  expect(inspector.planned).toEqual([{ kind: 'repair', mode: 'all' }]);
  expect(document.activeElement?.textContent).toBe('Repair');
  await user.clear(await screen.findByLabelText('Save as'));
  expect((await button('Settle the name')).textContent).toContain('Settle');
  await user.type(screen.getByLabelText('Save as'), 'mended.qcow2');
  expect(screen.getByText(/qemu-img check -r leaks mended\.qcow2/)).toBeTruthy();
  await user.click(await button('Save mended.qcow2'));
  expect(inspector.held[0]?.order).toEqual({ change: { kind: 'repair', mode: 'all' }, fileName: 'mended.qcow2' });
  act(() =>
    inspector.held[0]?.progress({ phase: 'Writing tables', done: 2 ** 20, total: 2 ** 22, rate: 2 ** 20, eta: 3 }),
  );
  expect(await screen.findByRole('progressbar', { name: 'Writing tables' })).toBeTruthy();
  expect(document.title).toBe('25 % of mended.qcow2');
  expect(screen.getByRole('navigation', { name: 'Changes' })).toHaveProperty('inert', true);
  const file = new File(['y'], 'mended.qcow2');
  await act(async () => inspector.held[0]?.finish({ file }));
  const title = await screen.findByRole('heading', { name: 'mended.qcow2 is saved' });
  await waitFor(() => expect(document.activeElement).toBe(title));
  expect(screen.getByText('No errors, no leaks')).toBeTruthy();
  expect(screen.getByText('mv mended.qcow2 web-01.qcow2')).toBeTruthy();
  await user.click(await button('Open the result'));
  expect(onFiles).toHaveBeenCalledWith([file]);
});

test('Escape cancels a save; a failure says what to do; the form is as it was', async () => {
  const { inspector, user, goTo } = await open();
  await goTo('Repair');
  const save = await button('Save web-01-changed.qcow2');
  await user.click(save);
  await user.keyboard('{Escape}');
  expect(await screen.findByText('No file was left behind.', { exact: false })).toBeTruthy();
  await waitFor(() => expect(document.activeElement?.textContent).toContain('Save web-01-changed.qcow2'));
  await user.click(await button('Save web-01-changed.qcow2'));
  await act(async () => inspector.held[1]?.fail(new DiskwrightError('no-space', 'The disk is full at 5 MiB.')));
  const alert = await screen.findByRole('alert');
  expect(alert.textContent).toContain('was not saved. The disk is full at 5 MiB. Free some space');
  await user.click(await button('Dismiss'));
  expect(screen.queryByRole('alert')).toBe(null);
});

test('a long plan can be cancelled and taken up again; a refusal is said where the button leads', async () => {
  const { inspector, user, goTo } = await open((one) => {
    one.answer = () => new Promise(() => {});
  });
  await goTo('Compact');
  await user.click(await button('Cancel'));
  expect(await button('Work it out first')).toBeTruthy();
  inspector.answer = () => ({ refused: { message: 'The image is marked as corrupt.', fix: 'Repair it first.' } });
  await user.click(await button('Try again'));
  const strip = await screen.findByRole('alert');
  expect(strip.textContent).toContain('The image is marked as corrupt. Repair it first.');
  await user.click(await button('See why it cannot be done'));
  expect(document.activeElement).toBe(strip);
  inspector.answer = () => planOf({ unchanged: true });
  await user.click(await button('Try again'));
  expect(await screen.findByText('Nothing to save.')).toBeTruthy();
  expect(screen.queryByRole('button', { name: /^Save/ })).toBe(null);
});

test('only the newest form is planned, and its numbers replace the older ones', async () => {
  const { inspector, user, goTo } = await open((one) => {
    one.answer = (change) =>
      planOf({ facts: [{ label: 'Asked', after: change.kind === 'resize' ? String(change.size) : 'else' }] });
  });
  await goTo('Resize');
  const size = screen.getByLabelText('Size');
  expect(document.activeElement?.textContent).toBe('Resize');
  await user.clear(size);
  await user.type(size, '64G');
  expect(await screen.findByText(String(64 * 2 ** 30))).toBeTruthy();
  await user.clear(size);
  await user.type(size, '128G');
  expect(await screen.findByText(String(128 * 2 ** 30))).toBeTruthy();
  // Typing is quicker than a plan is asked for.
  expect(inspector.planned.length).toBeLessThanOrEqual(3);
});

test('back from a change the focus is on the button that led there, and the check is still there', async () => {
  const { user, goTo, menu } = await open();
  await user.click(await button('Check the image'));
  await screen.findByText('3 leaked clusters');
  await goTo('Amend');
  await user.click(await button('Look inside'));
  await waitFor(() => expect(document.activeElement).toBe(menu.getByRole('button', { name: 'Amend' })));
  expect(screen.getByText('3 leaked clusters')).toBeTruthy();
});

test('bitmaps are told of, and an image without backing file has no name to change', async () => {
  const report = reportOf({ facts: { ...reportOf().facts, bitmaps: [{ name: 'backup-0' }] } });
  const { goTo } = await open(() => {}, report);
  await goTo('Repair');
  const result = within(screen.getByRole('region', { name: 'What you get' }));
  expect((await result.findByText('Bitmaps')).parentElement?.textContent).toBe('Bitmaps1, stays');
  await userEvent.click(screen.getByRole('button', { name: 'Backing file' }));
  expect(await screen.findByRole('radio', { name: 'Only another name' })).toHaveProperty('disabled', true);
});

test('a plan whose worker was ended for the sake of another is asked for again', async () => {
  const ended = new DiskwrightError('cancelled', 'Cancelled.');
  const { inspector, goTo } = await open((one) => {
    one.answer = () => (one.planned.length < 2 ? Promise.reject(ended) : planOf());
  });
  await goTo('Compact');
  expect(await button('Save web-01-changed.qcow2')).toBeTruthy();
  expect(inspector.planned.length).toBe(2);
});
