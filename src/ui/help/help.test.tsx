import { screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { renderPage } from '../testing/render-page.tsx';

const dialog = () => screen.findByRole('dialog');
const part = (name: string) => within(screen.getByRole('navigation', { name: 'Help' })).getByRole('button', { name });

test('? shows the sheet of keys, and closing gives the focus back', async () => {
  const { user } = await renderPage();
  const switchOf = screen.getByRole('slider', { name: 'Cluster size' });
  switchOf.focus();
  await user.keyboard('?');
  expect(within(await dialog()).getByText('Build and save, or go to the first problem')).toBeTruthy();
  await user.click(screen.getByRole('button', { name: 'Close the help' }));
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(document.activeElement).toBe(switchOf);
});

test('in a text, ? is a question mark', async () => {
  const { user } = await renderPage();
  const name = screen.getByRole<HTMLInputElement>('textbox', { name: 'Name' });
  await user.type(name, '?');
  expect(name.value).toBe('disk.qcow2?');
  expect(screen.queryByRole('dialog')).toBeNull();
});

test('every part has its words and, where there is something to draw, its pictures', async () => {
  const { user, engine } = await renderPage();
  await user.click(screen.getByRole('button', { name: 'What is a cluster?' }));
  const shown = within(await dialog());
  await shown.findByRole('img', { name: /^Clusters of 2 MiB/ });
  expect(shown.getAllByRole('img', { name: /^Clusters of/ }).length).toBe(3);
  await user.click(part('Preallocation'));
  await shown.findByRole('img', { name: /^full: / });
  await user.click(part('Backing files'));
  expect(shown.getByRole('img', { name: /^Overlay/ })).toBeTruthy();
  await user.click(part('Recipes'));
  expect(shown.getByText(/create --recipe/)).toBeTruthy();
  // Keys of the form do nothing behind it.
  await user.keyboard('{Control>}{Enter}{/Control}');
  expect(engine.saves.length).toBe(0);
});
