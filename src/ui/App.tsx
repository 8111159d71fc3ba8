/** The page: the bar at the top and the place one is in. The engine comes in from outside. */
import { lazy, Suspense, useCallback, useEffect, useState } from 'react';
import type { EngineClient } from '../worker/engine-client.ts';
import type { OpenOrder } from '../worker/open/protocol.ts';
import { CreatePage } from './create/create-page.tsx';
import { DropZone } from './frame/drop-zone.tsx';
import { Header } from './frame/header.tsx';
import { goTo, type Place, usePlace } from './frame/place.ts';
import './styles/index.css';

const OpenPage = lazy(() => import('./open/open-page.tsx'));

const TITLES: Readonly<Record<Place, string>> = {
  create: 'Diskwright: build a disk image',
  open: 'Diskwright: look inside a disk image',
};

const orderOf = (files: readonly File[]): OpenOrder => ({
  id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`,
  files: files.map((file) => ({ file })),
});

export function App({ client }: { readonly client: EngineClient }) {
  const place = usePlace();
  const [order, setOrder] = useState<OpenOrder>();
  const openFiles = useCallback((files: readonly File[]) => {
    setOrder(orderOf(files));
    goTo('open');
    window.scrollTo(0, 0);
  }, []);
  useEffect(() => {
    document.title = place === 'open' && order ? `${order.files[0]?.file.name} · Diskwright` : TITLES[place];
  }, [place, order]);

  return (
    <>
      <Header place={place} />
      <DropZone onFiles={openFiles} />
      {/* The form stays as it is while one looks at something else. */}
      <div hidden={place !== 'create'}>
        <CreatePage client={client} active={place === 'create'} />
      </div>
      {place === 'open' && (
        <Suspense fallback={<main className="page page--wait" aria-busy="true" />}>
          <OpenPage client={client} order={order} onFiles={openFiles} onOrder={setOrder} />
        </Suspense>
      )}
    </>
  );
}
