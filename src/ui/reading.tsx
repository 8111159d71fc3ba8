/** One of the large numbers in a row: a length, scaled and exact, or that it is not known. */
import { Bytes, exactBytes } from './measure.tsx';

export function Reading({ label, bytes }: { readonly label: string; readonly bytes: number | undefined }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{bytes === undefined ? <span className="u">–</span> : <Bytes bytes={bytes} />}</dd>
      <dd className="readings__exact">{bytes === undefined ? 'not known' : exactBytes(bytes)}</dd>
    </div>
  );
}
