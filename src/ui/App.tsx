/** The page: the bar at the top and the place one is in. The engine comes in from outside. */
import { lazy, Suspense, useCallback, useEffect, useState } from 'react';
import type { EngineClient } from '../worker/engine-client.ts';
import type { OpenOrder, SuppliedFile } from '../worker/open/protocol.ts';
import { CreatePage } from './create/create-page.tsx';
import { DropZone } from './frame/drop-zone.tsx';
import { Header } from './frame/header.tsx';
import { useLaunchedFiles } from './frame/launched-files.ts';
import { goTo, type Place, usePlace } from './frame/place.ts';
import { HelpHost } from './help/help-host.tsx';
import './styles/index.css';

const OpenPage = lazy(() => import('./open/open-page.tsx'));
const ConvertPage = lazy(() => import('./convert/convert-page.tsx'));

const TITLES: Readonly<Record<Place, string>> = {
  create: 'Diskwright: build a disk image',
  open: 'Diskwright: look inside a disk image',
  convert: 'Diskwright: convert disk images',
};

const freshId = (): string => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;

const orderOf = (files: readonly SuppliedFile[]): OpenOrder => ({ id: freshId(), files });

export function App({ client }: { readonly client: EngineClient }) {
  const place = usePlace();
  const [order, setOrder] = useState<OpenOrder>();
  const [arrived, setArrived] = useState<OpenOrder>();
  const [recipeFile, setRecipeFile] = useState<File>();
  const takeRecipe = useCallback((file: File) => {
    setRecipeFile(file);
    goTo('create');
    window.scrollTo(0, 0);
  }, []);
  const openFiles = useCallback((files: readonly File[]) => {
    setOrder(orderOf(files.map((file) => ({ file }))));
    goTo('open');
    window.scrollTo(0, 0);
  }, []);
  useLaunchedFiles(openFiles);
  const convertFiles = useCallback((files: readonly SuppliedFile[]) => {
    setArrived(orderOf(files));
    goTo('convert');
    window.scrollTo(0, 0);
  }, []);
  useEffect(() => {
    document.title = place === 'open' && order ? `${order.files[0]?.file.name} · Diskwright` : TITLES[place];
  }, [place, order]);
  // Once there, it stays: its jobs go on while one looks at something else.
  const [converts, setConverts] = useState(false);
  if (place === 'convert' && !converts) setConverts(true);

  return (
    <>
      <Header place={place} />
      <HelpHost client={client} />
      <DropZone
        place={place}
        onFiles={(files) => {
          const [recipe] = files.filter(({ name }) => /\.json$/i.test(name));
          if (recipe && files.length === 1) takeRecipe(recipe);
          else if (place === 'convert') convertFiles(files.map((file) => ({ file })));
          else openFiles(files);
        }}
      />
      {/* The form stays as it is while one looks at something else. */}
      <div hidden={place !== 'create'}>
        <CreatePage client={client} active={place === 'create'} recipeFile={recipeFile} />
      </div>
      {place === 'open' && (
        <Suspense fallback={<main className="page page--wait" aria-busy="true" />}>
          <OpenPage
            client={client}
            order={order}
            onFiles={openFiles}
            onOrder={setOrder}
            onConvert={(shown) => convertFiles(shown.files)}
          />
        </Suspense>
      )}
      {converts && (
        <div hidden={place !== 'convert'}>
          <Suspense fallback={<main className="page page--wait" aria-busy="true" />}>
            <ConvertPage
              client={client}
              active={place === 'convert'}
              arrived={arrived}
              title={TITLES.convert}
              onFiles={convertFiles}
              onLook={openFiles}
            />
          </Suspense>
        </div>
      )}
    </>
  );
}
