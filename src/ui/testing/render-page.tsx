/** The whole page over a fake engine, for component tests. */
import { render, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { App } from '../App.tsx';
import { createFakeEngine } from './fake-engine.ts';

/** `hash`: where the page is opened. */
export async function renderPage(hash = '') {
  history.replaceState(null, '', `/${hash}`);
  const engine = createFakeEngine();
  const user = userEvent.setup({ delay: null });
  render(<App client={engine} />);
  // The first numbers are there (the first driver takes its time to load).
  await screen.findByText('197,120 bytes');
  return { engine, user };
}

export const commandField = (): HTMLTextAreaElement =>
  screen.getByRole('textbox', { name: 'Command line', hidden: true });

/** Replaces the command line as a paste would. */
export async function pasteCommand(user: ReturnType<typeof userEvent.setup>, text: string): Promise<void> {
  await user.clear(commandField());
  await user.click(commandField());
  await user.paste(text);
}

/** The strip of a problem; the same sentence also stands beside the button. */
export const problemStrip = (message: string): HTMLElement | undefined =>
  screen.queryAllByText(message).find((one) => one.closest('.problem'));
