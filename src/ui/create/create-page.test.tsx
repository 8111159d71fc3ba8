import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { DiskwrightError } from '../../engine/errors.ts';
import { commandField, pasteCommand, problemStrip, renderPage } from '../testing/render-page.tsx';

const button = (name: string | RegExp) => screen.getByRole('button', { name });
const radio = (name: string) => screen.getByRole<HTMLInputElement>('radio', { name });
const result = () => within(screen.getByRole('complementary', { name: 'Result' }));

test('the first screen is a default command line and its exact sizes', async () => {
  await renderPage();
  expect(commandField().value).toBe('qemu-img create -f qcow2 disk.qcow2 32G');
  expect(button('Build and save disk.qcow2')).toBeTruthy();
  expect(result().getByText('197,120 bytes')).toBeTruthy();
  expect(result().getByText('34,359,738,368 bytes')).toBeTruthy();
  expect(screen.getByText('Saved to your downloads.')).toBeTruthy();
});

test('the size says what it leads to', async () => {
  const { user } = await renderPage();
  expect(screen.getByText('What the guest sees. The file starts at 192.5 KiB and grows with use.')).toBeTruthy();
  const size = screen.getByRole('textbox', { name: 'Size' });
  await user.clear(size);
  await user.type(size, '1000');
  expect(screen.getByText(/Rounded up to whole sectors/)).toBeTruthy();
});

test('every kind of field ends in the command line', async () => {
  const { user } = await renderPage();
  const size = screen.getByRole('textbox', { name: 'Size' });
  await user.clear(size);
  await user.type(size, '64 GB');
  expect(commandField().value).toMatch(/ 62500000K$/);
  await user.click(radio('8 GiB'));
  expect(commandField().value).toMatch(/ 8G$/);
  await user.click(radio('metadata'));
  await user.click(screen.getByText('Advanced layout'));
  await user.selectOptions(screen.getByRole('combobox', { name: 'Refcount bits' }), '64 bits');
  await user.click(screen.getByRole('switch', { name: 'Lazy refcounts' }));
  await user.click(radio('zstd'));
  await user.click(screen.getByText('Data file'));
  await user.type(screen.getAllByRole('textbox', { name: 'File name' })[1] as HTMLElement, 'd.raw');
  expect(commandField().value).toBe(
    'qemu-img create -f qcow2 -o preallocation=metadata,refcount_bits=64,lazy_refcounts=on,compression_type=zstd,data_file=d.raw disk.qcow2 8G',
  );
});

test('the cluster size moves from detent to detent', async () => {
  await renderPage();
  const slider = screen.getByRole('slider', { name: 'Cluster size' });
  expect(slider.getAttribute('aria-valuetext')).toBe('64 KiB');
  // happy-dom does not move sliders; this is the event of an arrow key or a drag.
  fireEvent.change(slider, { target: { value: '9' } });
  expect(commandField().value).toBe('qemu-img create -f qcow2 -o cluster_size=256K disk.qcow2 32G');
  expect(slider.getAttribute('aria-valuetext')).toBe('256 KiB');
});

test('a pasted command fills the form, and unknown parts are named with a way out', async () => {
  const { user } = await renderPage();
  await pasteCommand(user, 'qemu-img create -f raw -o foo=bar,preallocation=full --object secret,id=s vm.img 10G');
  expect(radio('raw').checked).toBe(true);
  expect(screen.getByRole<HTMLInputElement>('textbox', { name: 'Name' }).value).toBe('vm.img');
  expect(screen.getByRole<HTMLInputElement>('textbox', { name: 'Size' }).value).toBe('10 GiB');
  expect(radio('full').checked).toBe(true);
  expect(problemStrip('There is no option "foo" here.')).toBeTruthy();
  expect(problemStrip('There is no flag --object here.')).toBeTruthy();
  expect(button('Settle 2 problems to build')).toBeTruthy();
  await user.click(button('Remove foo'));
  await user.click(button('Remove --object secret,id=s'));
  expect(commandField().value).toBe('qemu-img create -f raw -o preallocation=full vm.img 10G');
  expect(button('Build and save vm.img')).toBeTruthy();
});

test('a line that is no command leaves the form alone and can be restored', async () => {
  const { user } = await renderPage();
  await pasteCommand(user, 'qemu-img convert a b');
  expect(problemStrip('The line must begin with qemu-img create.')).toBeTruthy();
  expect(button('Settle 1 problem to build')).toBeTruthy();
  expect(screen.getByRole<HTMLInputElement>('textbox', { name: 'Name' }).value).toBe('disk.qcow2');
  await user.click(button('Restore the command'));
  expect(commandField().value).toBe('qemu-img create -f qcow2 disk.qcow2 32G');
});

test('by keyboard: the button leads to the problem, and its fix to the field', async () => {
  const { user } = await renderPage();
  await pasteCommand(user, 'qemu-img create -f raw -o preallocation=metadata vm.img 10G');
  await user.click(button('Settle 1 problem to build'));
  expect(document.activeElement).toBe(radio('off'));
  button('Remove preallocation').focus();
  await user.keyboard('{Enter}');
  expect(screen.queryByRole('button', { name: 'Remove preallocation' })).toBeNull();
  expect(document.activeElement).toBe(radio('off'));
});

test('options of the host file system are kept, explained and removable', async () => {
  const { user } = await renderPage();
  await pasteCommand(user, 'qemu-img create -f qcow2 -o nocow=on disk.qcow2 32G');
  expect(screen.getByText('nocow has no effect:')).toBeTruthy();
  expect(button('Build and save disk.qcow2')).toBeTruthy();
  await user.click(button('Remove nocow=on'));
  expect(commandField().value).toBe('qemu-img create -f qcow2 disk.qcow2 32G');
});

test('an option that cannot apply is disabled with its reason; one that is set can be unset', async () => {
  const { user } = await renderPage();
  await user.click(radio('0.10'));
  await user.click(screen.getByText('Advanced layout'));
  const lazy = screen.getByRole<HTMLInputElement>('switch', { name: 'Lazy refcounts' });
  expect(lazy.disabled).toBe(true);
  const described = (lazy.getAttribute('aria-describedby') ?? '').split(' ').map((id) => document.getElementById(id));
  expect(described.map((one) => one?.textContent).join(' ')).toContain('Not with compat 0.10');
  await pasteCommand(user, 'qemu-img create -f qcow2 -o compat=0.10,lazy_refcounts=on disk.qcow2 32G');
  expect(lazy.disabled).toBe(false);
  await user.click(lazy);
  expect(commandField().value).toBe('qemu-img create -f qcow2 -o compat=0.10 disk.qcow2 32G');
});

test.each([
  ['Set compat 1.1', 'qemu-img create -f qcow2 -o extended_l2=on disk.qcow2 32G'],
  ['Turn extended L2 off', 'qemu-img create -f qcow2 -o compat=0.10 disk.qcow2 32G'],
])('a problem stands under its field and one click settles it: %s', async (fix, command) => {
  const { user } = await renderPage();
  await pasteCommand(user, 'qemu-img create -f qcow2 -o compat=0.10,extended_l2=on disk.qcow2 32G');
  expect(problemStrip('Extended L2 needs compat 1.1.')).toBeTruthy();
  const field = screen.getByRole('switch', { name: 'Extended L2', hidden: true });
  expect(field.getAttribute('aria-invalid')).toBe('true');
  // The button leads to the field, opening its fold.
  await user.click(button('Settle 1 problem to build'));
  await waitFor(() => expect(document.activeElement).toBe(field));
  await user.click(button(fix));
  expect(commandField().value).toBe(command);
  expect(button('Build and save disk.qcow2')).toBeTruthy();
  await waitFor(() => expect(result().queryByText('not known')).toBe(null));
});

test('what only the engine refuses is a problem of the field too', async () => {
  const { engine, user } = await renderPage();
  vi.spyOn(engine, 'forecast').mockRejectedValue(
    new DiskwrightError('out-of-range', 'The disk is beyond this engine.', { option: 'size', fix: 'Make it smaller.' }),
  );
  await user.click(radio('8 GiB'));
  await waitFor(() => expect(problemStrip('The disk is beyond this engine.')).toBeTruthy());
  expect(button('Settle 1 problem to build')).toBeTruthy();
  expect(screen.getByRole('textbox', { name: 'Size' }).getAttribute('aria-invalid')).toBe('true');
});

test('a file that no sink can save is a problem with its reason', async () => {
  const { engine, user } = await renderPage();
  engine.sink = { sink: undefined, note: 'This browser saves at most 64 MiB.' };
  await user.click(radio('8 GiB'));
  await waitFor(() => expect(problemStrip('Nothing here can save this file.')).toBeTruthy());
  expect(screen.getByText('This browser saves at most 64 MiB.', { exact: false })).toBeTruthy();
});

test('an answer to earlier options never replaces a newer one', async () => {
  const { engine, user } = await renderPage();
  const real = engine.forecast;
  const release: (() => void)[] = [];
  vi.spyOn(engine, 'forecast').mockImplementation(async (order) => {
    const report = await real(order);
    if (order.texts['size'] === '8G') await new Promise<void>((resolve) => release.push(resolve));
    return report;
  });
  await user.click(radio('8 GiB'));
  await waitFor(() => expect(release.length).toBe(1));
  await user.click(radio('64 GiB'));
  await result().findByText('68,719,476,736 bytes');
  release[0]?.();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(result().getByText('68,719,476,736 bytes')).toBeTruthy();
});

test('the chosen backing file fills in name, format and size', async () => {
  const { engine, user } = await renderPage();
  await user.click(screen.getByText('Backing file'));
  await user.upload(screen.getByLabelText('Backing file', { selector: 'input' }), new File(['x'], 'base.qcow2'));
  await screen.findByText(/base\.qcow2: qcow2, a 10 GiB disk/);
  expect(commandField().value).toBe('qemu-img create -f qcow2 -b base.qcow2 -F qcow2 disk.qcow2 10G');
  engine.identified = new Error('gone');
  await user.upload(screen.getByLabelText('Backing file', { selector: 'input' }), new File(['x'], 'lost.qcow2'));
  await screen.findByText(/lost\.qcow2 was not read/);
});

test('an encrypted disk needs a passphrase, which goes to the worker and nowhere else', async () => {
  const { user, engine } = await renderPage();
  await user.click(screen.getByRole('radio', { name: 'luks' }));
  const field = screen.getByLabelText<HTMLInputElement>('Passphrase');
  expect(commandField().value).toBe(
    'qemu-img create --object secret,id=sec0,file=passphrase.txt -f qcow2 -o encrypt.format=luks,encrypt.key-secret=sec0 disk.qcow2 32G',
  );
  await user.click(await screen.findByRole('button', { name: /Settle 1 problem to build/ }));
  expect(document.activeElement).toBe(field);
  await user.type(field, 'k7Pw2qXv9mZtB4rC');
  expect(screen.getByText('nobody guesses it.', { exact: false })).toBeTruthy();
  expect(field.type).toBe('password');
  await user.click(screen.getByRole('button', { name: 'Show the passphrase' }));
  expect(field.type).toBe('text');
  expect(location.href).not.toMatch(/k7Pw/);
  expect(commandField().value).not.toMatch(/k7Pw/);
  await user.click(await screen.findByRole('button', { name: /Build and save disk.qcow2/ }));
  const [save] = engine.saves;
  expect(new TextDecoder().decode(save?.order.passphrase)).toBe('k7Pw2qXv9mZtB4rC');
  expect(JSON.stringify({ ...save?.order, passphrase: undefined })).not.toMatch(/k7Pw/);
  save?.finish();
  await screen.findByText(/without a line break at its end/);
  expect(document.documentElement.outerHTML).not.toMatch(/k7Pw/);
  await user.click(screen.getByRole('button', { name: 'Build another' }));
  expect(screen.getByLabelText<HTMLInputElement>('Passphrase').value).toBe('');
  expect(save?.order.passphrase?.every((byte) => byte === 0)).toBe(true);
});

test('without a secure context encryption cannot be had, and the reason is said', async () => {
  vi.stubGlobal('isSecureContext', false);
  const { user } = await renderPage();
  expect(screen.getByRole<HTMLInputElement>('radio', { name: 'luks' }).disabled).toBe(true);
  expect(screen.getByText(/browsers hand out keys only to pages that come over https/)).toBeTruthy();
  await user.click(screen.getByRole('radio', { name: 'LUKS' }));
  await screen.findByRole('button', { name: /Settle 1 problem to build/ });
  expect(screen.getAllByText('This page cannot encrypt.', { exact: false }).length).toBeGreaterThan(0);
  vi.unstubAllGlobals();
});

test('encryption that is turned off takes its choices along', async () => {
  const { user } = await renderPage();
  await pasteCommand(
    user,
    'qemu-img create -f qcow2 --object secret,id=k,data=hush -o encrypt.format=luks,encrypt.key-secret=k,encrypt.cipher-alg=aes-128 x.qcow2 1G',
  );
  expect(commandField().value).toBe(
    'qemu-img create --object secret,id=k,file=k.txt -f qcow2 -o encrypt.format=luks,encrypt.key-secret=k,encrypt.cipher-alg=aes-128 x.qcow2 1G',
  );
  await user.click(screen.getByRole('radio', { name: 'none' }));
  expect(commandField().value).toBe('qemu-img create -f qcow2 x.qcow2 1G');
});

test('the layout is a picture with words, and a table', async () => {
  const { user } = await renderPage();
  expect(
    screen.getByRole('img', {
      name: /^Now: Header 64 KiB, Refcount table 64 KiB, Refcount block 64 KiB, L1 table 512 bytes$/,
    }),
  ).toBeTruthy();
  await user.click(radio('Table'));
  const table = screen.getByRole('table', { name: 'Parts of disk.qcow2' });
  expect(within(table).getByRole('row', { name: /L2 tables × 64 256 KiB 0 4 MiB/ })).toBeTruthy();
});

test('the theme turns and is remembered', async () => {
  const { user } = await renderPage();
  await user.click(button('Theme: as the system'));
  expect(document.documentElement.dataset['theme']).toBe('light');
  await user.click(button('Theme: light'));
  expect(localStorage.getItem('diskwright.theme')).toBe('dark');
  await user.click(button('Theme: dark'));
  expect(document.documentElement.dataset['theme']).toBe(undefined);
  expect(localStorage.getItem('diskwright.theme')).toBe(null);
});

test('a file dropped on the window goes to Open, and the form stays', async () => {
  await renderPage();
  const drop = new Event('drop', { bubbles: true, cancelable: true });
  Object.assign(drop, { dataTransfer: { types: ['Files'], files: [new File(['x'], 'vm.qcow2')] } });
  act(() => void window.dispatchEvent(drop));
  expect(drop.defaultPrevented).toBe(true);
  await screen.findByRole('heading', { name: 'vm.qcow2' });
  expect(commandField().value).toBe('qemu-img create -f qcow2 disk.qcow2 32G');
  location.hash = '';
});

test('the command line is copied and pasted through the clipboard', async () => {
  const { user } = await renderPage();
  await user.click(button('Copy command line'));
  expect(await navigator.clipboard.readText()).toBe('qemu-img create -f qcow2 disk.qcow2 32G');
  await navigator.clipboard.writeText('qemu-img create -f raw other.img 1G\n');
  await user.click(button('Paste'));
  await waitFor(() => expect(radio('raw').checked).toBe(true));
  expect(commandField().value).toBe('qemu-img create -f raw other.img 1G');
});

test('without leave to read the clipboard, the field is selected and the reason said', async () => {
  const { user } = await renderPage();
  vi.spyOn(navigator.clipboard, 'readText').mockRejectedValue(new Error('denied'));
  await user.click(button('Paste'));
  await screen.findByText(/keeps the clipboard to itself/);
  expect(document.activeElement).toBe(commandField());
});

test('numbers of earlier options stay, and are shown as old only after a while', async () => {
  const { engine, user } = await renderPage();
  vi.spyOn(engine, 'forecast').mockReturnValue(new Promise(() => {}));
  const card = screen.getByRole('region', { name: 'What you get' });
  await user.click(radio('8 GiB'));
  expect(within(card).getByText('34,359,738,368 bytes')).toBeTruthy();
  expect(card.getAttribute('aria-busy')).toBe('false');
  await waitFor(() => expect(card.getAttribute('aria-busy')).toBe('true'));
  expect(within(card).getByText('34,359,738,368 bytes')).toBeTruthy();
});

test('a format that is not made here leaves only that to settle', async () => {
  const { user } = await renderPage();
  await pasteCommand(user, 'qemu-img create -f vmdk -o adapter_type=ide vm.vmdk 8G');
  expect(problemStrip('"vmdk" is not a format that Diskwright makes.')).toBeTruthy();
  expect(button('Settle 1 problem to build')).toBeTruthy();
  await user.click(button('Use raw'));
  expect(commandField().value).toBe('qemu-img create -f raw -o adapter_type=ide vm.img 8G');
  expect(problemStrip('There is no option "adapter_type" here.')).toBeTruthy();
});
