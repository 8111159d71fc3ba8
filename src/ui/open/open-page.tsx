/** Open: what is in a file, without changing it. Loaded when one goes there. */
import { useState } from 'react';
import type { EngineClient } from '../../worker/engine-client.ts';
import type { OpenOrder, OpenReport, Space } from '../../worker/open/protocol.ts';
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
import { useExtraction } from './use-extraction.ts';
import { type OpenImageHandle, useImage } from './use-image.ts';
import { useMap } from './use-map.ts';

interface Props {
  readonly client: EngineClient;
  readonly order: OpenOrder | undefined;
  readonly onFiles: (files: readonly File[]) => void;
  readonly onOrder: (order: OpenOrder | undefined) => void;
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
}

function Look({ client, report, image, onAdd }: LookProps) {
  const [spot, setSpot] = useState<Spot>({
    // A raw file is the disk, and the disk's tables have names.
    space: report.format === 'raw' && report.disk ? 'guest' : 'file',
    at: 0,
  });
  const map = useMap(image, report.can.map);
  const extraction = useExtraction(image);
  const readable = report.problem === undefined && report.diskProblem === undefined && report.missing.length === 0;
  const image_ = report.wrapping === undefined;
  return (
    <div className="page page--open">
      <aside className="stack" aria-label="Findings">
        <TroublePanel report={report} onAdd={onAdd} />
        {report.can.check && <CheckPanel image={image} onShow={setSpot} clusterSize={report.clusterSize} />}
        {image_ && <SummaryPanel report={report} />}
        {report.readers.length > 0 && <ReadersPanel notes={report.readers} onAdd={onAdd} />}
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
  );
}

export default function OpenPage({ client, order, onFiles, onOrder }: Props) {
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
        onClose={() => onOrder(undefined)}
      />
      {opening.state === 'open' && image && (
        <Look key={`look ${order.id}`} client={client} report={opening.report} image={image} onAdd={add} />
      )}
    </main>
  );
}
