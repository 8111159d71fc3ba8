/** The whole page over a fake engine, for component tests. */
import { render, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { App } from '../App.tsx';
import { createFakeEngine } from './fake-engine.ts';

export async function renderPage() {
  const engine = createFakeEngine();
  const user = userEvent.setup();
  render(<App client={engine} />);
  // The first numbers are there.
  await screen.findByText('197,120 bytes');
  return { engine, user };
}

export const commandField = (): HTMLTextAreaElement => screen.getByRole('textbox', { name: 'Command line' });

/** Replaces the command line as a paste would. */
export async function pasteCommand(user: ReturnType<typeof userEvent.setup>, text: string): Promise<void> {
  await user.clear(commandField());
  await user.click(commandField());
  await user.paste(text);
}
