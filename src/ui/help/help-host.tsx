/** Listens for `?` and loads the help when it is first wanted. */
import { lazy, Suspense, useEffect } from 'react';
import type { EngineClient } from '../../worker/engine-client.ts';
import { editsText } from '../create/use-form.ts';
import { closeHelp, openHelp, useOpenHelp } from './help-state.ts';

const HelpDialog = lazy(() => import('./help-dialog.tsx'));

export function HelpHost({ client }: { readonly client: EngineClient }) {
  const part = useOpenHelp();
  useEffect(() => {
    function press(event: KeyboardEvent) {
      if (event.key !== '?' || event.ctrlKey || event.metaKey || event.altKey || editsText(event.target)) return;
      if (document.querySelector('dialog[open]')) return;
      event.preventDefault();
      openHelp('keys');
    }
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
  if (!part) return null;
  return (
    <Suspense fallback={null}>
      <HelpDialog part={part} client={client} onPart={openHelp} onClose={closeHelp} />
    </Suspense>
  );
}
