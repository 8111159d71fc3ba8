/** The page: the bar at the top and the place one is in. The engine comes in from outside. */
import type { EngineClient } from '../worker/engine-client.ts';
import { CreatePage } from './create/create-page.tsx';
import { DropGuard } from './frame/drop-guard.tsx';
import { Header } from './frame/header.tsx';
import './styles/index.css';

export function App({ client }: { readonly client: EngineClient }) {
  return (
    <>
      <Header />
      <DropGuard />
      <CreatePage client={client} />
    </>
  );
}
