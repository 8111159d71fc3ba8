/** The form as a recipe: presets, undo, the address, files. */
import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { presets } from '../../recipes/presets.ts';
import { commandField, pasteCommand, renderPage } from '../testing/render-page.tsx';

const button = (name: string | RegExp) => screen.getByRole('button', { name });
const DEFAULT = 'qemu-img create -f qcow2 disk.qcow2 32G';

/** The address follows after a pause. */
const addressIs = (pattern: RegExp) => waitFor(() => expect(location.hash).toMatch(pattern));

/** What Back, Forward and a pasted link do. */
function arrive(hash: string): void {
  history.replaceState(null, '', `/${hash}`);
  act(() => void window.dispatchEvent(new Event('hashchange')));
}

const recipeFile = (value: unknown, name = 'server.json'): File =>
  new File([typeof value === 'string' ? value : JSON.stringify(value)], name, { type: 'application/json' });

async function load(file: File): Promise<void> {
  fireEvent.change(screen.getByLabelText('Recipe file'), { target: { files: [file] } });
}

test('every preset shows its reason and fills the form', async () => {
  const { user } = await renderPage();
  for (const { name, reason, recipe } of presets.toReversed()) {
    expect(screen.getByText(reason)).toBeTruthy();
    await user.click(button(new RegExp(`^${name}`)));
    expect(button(new RegExp(`^${name}`)).getAttribute('aria-pressed')).toBe('true');
    expect(commandField().value).toContain(` ${recipe.file} ${recipe.options['size']}`);
  }
  expect(commandField().value).toBe(DEFAULT);
});

test('undo and redo, by button and by key, and said', async () => {
  const { user } = await renderPage();
  const undo = button('Undo');
  expect(undo.getAttribute('aria-disabled')).toBe('true');
  await user.click(button(/^Database/));
  await user.click(screen.getByRole('radio', { name: 'zstd' }));
  await user.click(undo);
  expect(commandField().value).not.toContain('zstd');
  expect(screen.getByText('Undone: Compression.')).toBeTruthy();
  await user.keyboard('{Control>}z{/Control}');
  expect(commandField().value).toBe(DEFAULT);
  await user.keyboard('{Control>}{Shift>}z{/Shift}{/Control}');
  expect(commandField().value).toContain('data.qcow2');
  expect(screen.getByText(/^Done again: Name, /)).toBeTruthy();
});

test('in a text the keys are left to the text', async () => {
  const { user } = await renderPage();
  await user.click(button(/^Database/));
  await user.click(screen.getByRole('textbox', { name: 'Name' }));
  await user.keyboard('{Control>}z{/Control}');
  expect(commandField().value).toContain('data.qcow2');
});

test('the address follows the form, and the form an address', async () => {
  const { user } = await renderPage();
  expect(location.hash).toBe('');
  await pasteCommand(user, 'qemu-img create -f raw vm.img 3G');
  await addressIs(/^#create\?v=1&format=raw&file=vm\.img&o\.size=3G$/);
  arrive('#create?v=1&format=qcow2&file=a.qcow2&o.size=1G&o.cluster_size=4K');
  expect(commandField().value).toBe('qemu-img create -f qcow2 -o cluster_size=4K a.qcow2 1G');
  await user.click(button('Undo'));
  expect(commandField().value).toBe('qemu-img create -f raw vm.img 3G');
});

test('other places leave the form and its address alone', async () => {
  const { user } = await renderPage();
  await pasteCommand(user, 'qemu-img create -f raw vm.img 3G');
  await addressIs(/vm\.img/);
  arrive('#open');
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(location.hash).toBe('#open');
  arrive('#create');
  expect(location.hash).toContain('vm.img');
  expect(commandField().value).toContain('vm.img');
});

test('a link that cannot be read is said, and the form starts as usual', async () => {
  await renderPage('#create?v=7&format=qcow2');
  expect(screen.getByText('This link cannot be read.')).toBeTruthy();
  expect(screen.getByText(/version 7; version 1 is read here/)).toBeTruthy();
  expect(commandField().value).toBe(DEFAULT);
});

test('a link to start with, with a key that is not known', async () => {
  const { user } = await renderPage('#create?v=1&format=qcow2&file=disk.qcow2&o.size=32G&mood=good');
  expect(screen.getByText('The recipe says "mood", which is not known here.')).toBeTruthy();
  await user.click(button('Remove mood'));
  expect(screen.queryByText(/mood/)).toBeNull();
});

test('a recipe file fills the form, and what it says beside is kept', async () => {
  const { user } = await renderPage();
  const recipe = {
    diskwright: 1,
    about: 'For the lab.',
    format: 'qcow2',
    file: 'lab.qcow2',
    tags: ['a'],
    options: { size: '5G' },
  };
  await load(recipeFile(recipe));
  await screen.findByText('Loaded from server.json.');
  expect(screen.getByText('For the lab.')).toBeTruthy();
  expect(screen.getByText('The recipe says "tags", which is not known here.')).toBeTruthy();
  expect(commandField().value).toBe('qemu-img create -f qcow2 lab.qcow2 5G');
  const saved: Blob[] = [];
  const make = vi.spyOn(URL, 'createObjectURL').mockImplementation((blob) => {
    saved.push(blob as Blob);
    return 'blob:none';
  });
  vi.spyOn(URL, 'revokeObjectURL').mockImplementation(() => {});
  await user.click(button('Save recipe'));
  expect(JSON.parse((await saved[0]?.text()) ?? '')).toEqual(recipe);
  expect(screen.getByText('lab.recipe.json saved.')).toBeTruthy();
  make.mockRestore();
});

test('what is no recipe is refused in words, and the form stays', async () => {
  await renderPage();
  await load(recipeFile('{}', 'package.json'));
  await screen.findByText('package.json was not loaded.');
  expect(screen.getByText(/a recipe is a JSON object with "diskwright": 1/)).toBeTruthy();
  expect(commandField().value).toBe(DEFAULT);
});

test('a secret on the command line stays nowhere: not in the line, not in the link', async () => {
  const { user } = await renderPage();
  await pasteCommand(user, 'qemu-img create -f qcow2 --object secret,id=s,data=hush x.qcow2 1G');
  expect(commandField().value).not.toMatch(/hush/);
  await user.click(button('Copy link'));
  const copied = await navigator.clipboard.readText();
  expect(copied).toBe(`${location.origin}${location.pathname}#create?v=1&format=qcow2&file=x.qcow2&o.size=1G`);
  expect(document.documentElement.outerHTML + location.href).not.toMatch(/hush/);
});

test('a recipe that arrives while a finished image is shown brings the form back', async () => {
  const { engine, user } = await renderPage();
  await user.click(button(/^Build and save/));
  await act(async () => engine.saves[0]?.finish());
  await screen.findByRole('heading', { name: 'disk.qcow2 is saved' });
  await load(recipeFile({ diskwright: 1, format: 'raw', file: 'next.img', options: { size: '1G' } }));
  await screen.findByText('Loaded from server.json.');
  expect(button('Build and save next.img')).toBeTruthy();
});

test('a recipe on a pasted command line leads to where one is loaded', async () => {
  const { user } = await renderPage();
  await pasteCommand(user, 'diskwright create --recipe lab.json x.qcow2 1G');
  expect(screen.getByText(/Use Load recipe, or drop the file on the page/)).toBeTruthy();
  expect(button('Remove --recipe lab.json')).toBeTruthy();
});

test('the same preset twice is no second step', async () => {
  const { user } = await renderPage();
  const before = history.length;
  await user.click(button(/^Database/));
  await addressIs(/data\.qcow2/);
  await user.click(button(/^Database/));
  await user.click(button('Undo'));
  expect(button('Undo').getAttribute('aria-disabled')).toBe('true');
  expect(history.length).toBeLessThanOrEqual(before + 1);
});
