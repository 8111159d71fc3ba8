/** Entry of the page: the app over the engine's worker. */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './ui/App.tsx';
import { createEngineClient } from './worker/client.ts';

const root = document.getElementById('root');
if (!root) throw new Error('internal error: the page has no root element');
createRoot(root).render(
  <StrictMode>
    <App client={createEngineClient()} />
  </StrictMode>,
);
