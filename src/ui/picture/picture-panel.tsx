/** The panel "Inside the file, to scale", with the same as a table one click away. */
import { useState } from 'react';
import type { ForecastReport } from '../../jobs/forecast.ts';
import { sameFile } from './drawing.ts';
import { FilePicture } from './file-picture.tsx';
import { PartTable } from './part-table.tsx';

type View = 'Picture' | 'Table';
const VIEWS: readonly View[] = ['Picture', 'Table'];

interface Props {
  readonly report: ForecastReport | undefined;
  readonly fileName: string;
  /** The options make an image: without a report, it is on its way. */
  readonly sound: boolean;
}

function Pictures({ report, fileName }: { readonly report: ForecastReport; readonly fileName: string }) {
  const { now, full, dataFile } = report;
  const grows = full && !sameFile(now, full);
  const prefix = dataFile ? `${fileName} ` : '';
  return (
    <div className="pictures">
      <FilePicture title={`${prefix}${full && !grows ? 'Now and full' : 'Now'}`} file={now} />
      {grows && <FilePicture title={dataFile ? `${prefix}Full` : 'Full'} file={full} />}
      {dataFile && <FilePicture title={dataFile.name} file={dataFile} />}
    </div>
  );
}

function Tables({ report, fileName }: { readonly report: ForecastReport; readonly fileName: string }) {
  const { now, full, dataFile } = report;
  return (
    <>
      <PartTable caption={`Parts of ${fileName}`} now={now} full={full} />
      {dataFile && (
        <>
          <h3 className="parts__file">{dataFile.name}</h3>
          <PartTable caption={`Parts of ${dataFile.name}`} now={dataFile} />
        </>
      )}
    </>
  );
}

export function PicturePanel({ report, fileName, sound }: Props) {
  const [view, setView] = useState<View>('Picture');
  return (
    <section className="panel" aria-labelledby="picture-title">
      <div className="panel__head">
        <h2 id="picture-title">Inside the file, to scale</h2>
        <fieldset className="seg seg--small">
          <legend className="sr">Show as</legend>
          {VIEWS.map((one) => (
            <label key={one}>
              <input type="radio" name="picture-view" checked={view === one} onChange={() => setView(one)} />
              {one}
            </label>
          ))}
        </fieldset>
      </div>
      <div className={report ? 'panel__body' : 'panel__body panel__body--empty'}>
        {report ? (
          view === 'Picture' ? (
            <Pictures report={report} fileName={fileName} />
          ) : (
            <Tables report={report} fileName={fileName} />
          )
        ) : (
          <div className="scale">
            <p className="scale__row">
              <span>{sound ? 'Working it out …' : 'No picture while a problem stands.'}</span>
            </p>
            <div className="strip strip--empty" />
          </div>
        )}
      </div>
    </section>
  );
}
