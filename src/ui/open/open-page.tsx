/** Open: what is in a file, without changing it. Loaded when one goes there. */
import { lazy, Suspense, useCallback, useRef, useState } from 'react';
import type { EngineClient } from '../../worker/engine-client.ts';
import type { OpenOrder, OpenReport, Space } from '../../worker/open/protocol.ts';
import { ChangeMenu, menuId } from './change/change-menu.tsx';
import { type ChangePlace, refusalOf, troubleText } from './change/places.ts';
import { useOffers } from './change/use-offers.ts';
import { CheckPanel } from './check-panel.tsx';
import { EmptyPage } from './empty-page.tsx';
import { ExtractPanel } from './extract-panel.tsx';
import { FileHead } from './file-head.tsx';
import { HexPanel } from './hex-panel.tsx';
import { MapPanel } from './map-panel.tsx';
import './open.css';
import { PartitionsPanel } from './partitions-panel.tsx';
import { ReadersPanel } from './readers-panel.tsx';
import { SummaryPanel } from './summary-panel.tsx';
import { TroublePanel } from './trouble-panel.tsx';
import { forgetPassphrases, handedOver, UnlockPanel, unlocked } from './unlock-panel.tsx';
import { useExtraction } from './use-extraction.ts';
import { type OpenImageHandle, useImage } from './use-image.ts';
import { useMap } from './use-map.ts';

const ChangePlaceView = lazy(() => import('./change/change-place.tsx'));

interface Props {
  readonly client: EngineClient;
  readonly order: OpenOrder | undefined;
  readonly onFiles: (files: readonly File[]) => void;
  readonly onOrder: (order: OpenOrder | undefined) => void;
  /** To the place where it becomes another format. */
  readonly onConvert: (order: OpenOrder) => void;
}

/** The place that map and bytes both look at. */
export interface Spot {
  readonly space: Space;
  readonly at: number;
}

interface LookProps {
  readonly client: EngineClient;
  readonly report: OpenReport;
  readonly image: OpenImageHandle;
  readonly onAdd: (files: readonly File[], as?: string) => void;
  readonly onFiles: (files: readonly File[]) => void;
  readonly onConvert: () => void;
  readonly onUnlock: (name: string, passphrase: Uint8Array) => void;
}

function Look({ client, report, image, onAdd, onFiles, onConvert, onUnlock }: LookProps) {
  const [spot, setSpot] = useState<Spot>({
    // A raw file is the disk, and the disk's tables have names.
    space: report.format === 'raw' && report.disk ? 'guest' : 'file',
    at: 0,
  });
  const map = useMap(image, report.can.map);
  const extraction = useExtraction(image);
  const readable = report.problem === undefined && report.diskProblem === undefined && report.missing.length === 0;
  const image_ = report.wrapping === undefined;
  const offering = useOffers(image);
  const { offers } = offering;
  const [place, setPlace] = useState<ChangePlace>();
  const [broken, setBroken] = useState(false);
  const look = useRef<HTMLDivElement>(null);
  const leave = useCallback(() => {
    const was = place;
    setPlace(undefined);
    // The focus is on the button that led there.
    if (was) requestAnimationFrame(() => look.current?.querySelector<HTMLElement>(`#${menuId(was)}`)?.focus());
  }, [place]);
  const noRepair = offers && refusalOf(['repair'], offers);
  return (
    <>
      {/* What was found stays, with its map and its place, while something is changed. */}
      <div ref={look} hidden={place !== undefined}>
        <div className="page page--open">
          <aside className="stack" aria-label="Findings">
            <TroublePanel report={report} onAdd={onAdd} />
            {report.locked.map((one) => (
              <UnlockPanel key={one.name} locked={one} onUnlock={(passphrase) => onUnlock(one.name, passphrase)} />
            ))}
            {report.can.check && (
              <CheckPanel
                image={image}
                onShow={setSpot}
                clusterSize={report.clusterSize}
                noRepair={noRepair && troubleText(noRepair)}
                onRepair={
                  offers &&
                  ((worse) => {
                    setBroken(worse);
                    setPlace('repair');
                  })
                }
              />
            )}
            {image_ && <SummaryPanel report={report} />}
            {report.readers.length > 0 && <ReadersPanel notes={report.readers} onAdd={onAdd} />}
            {image_ && <ChangeMenu report={report} offering={offering} onGo={setPlace} onConvert={onConvert} />}
          </aside>
          <div className="stack">
            {report.can.map && <MapPanel report={report} image={image} map={map} spot={spot} onSpot={setSpot} />}
            {report.disk && image_ && (
              <PartitionsPanel
                report={report}
                disk={report.disk}
                extraction={extraction}
                onShow={(at) => setSpot({ space: 'guest', at })}
              />
            )}
            <HexPanel report={report} image={image} map={map} spot={spot} onSpot={setSpot} readable={readable} />
            {image_ && <ExtractPanel client={client} report={report} readable={readable} extraction={extraction} />}
          </div>
        </div>
      </div>
      {place !== undefined && offers && (
        <Suspense fallback={<div className="page page--wait" aria-busy="true" />}>
          <ChangePlaceView
            client={client}
            report={report}
            image={image}
            offers={offers}
            broken={broken}
            place={place}
            onPlace={setPlace}
            onFiles={onFiles}
            onBack={leave}
          />
        </Suspense>
      )}
    </>
  );
}

export default function OpenPage({ client, order, onFiles, onOrder, onConvert }: Props) {
  const { opening, image } = useImage(client, order);
  if (!order || opening.state === 'none') return <EmptyPage onFiles={onFiles} />;
  const again = (): void => onOrder({ ...order, id: `${order.id}'` });
  const add = (files: readonly File[], as?: string): void =>
    onOrder({
      id: `${order.id}+`,
      files: [...order.files, ...files.map((file) => (as === undefined ? { file } : { file, as }))],
    });
  return (
    <main>
      <FileHead
        key={`head ${order.id}`}
        order={order}
        opening={opening}
        image={image}
        onAgain={again}
        onFiles={onFiles}
        onConvert={() => onConvert(handedOver(order))}
        onClose={() => {
          forgetPassphrases(order);
          onOrder(undefined);
        }}
      />
      {opening.state === 'open' && image && (
        <Look
          key={`look ${order.id}`}
          client={client}
          report={opening.report}
          image={image}
          onAdd={add}
          onFiles={onFiles}
          onConvert={() => onConvert(handedOver(order))}
          onUnlock={(name, passphrase) => onOrder(unlocked(order, name, passphrase))}
        />
      )}
    </main>
  );
}
