/** The list of changes beside what is found: what each is for, or why the image cannot have it. */
import { useId } from 'react';
import type { OpenReport } from '../../../worker/open/protocol.ts';
import { BannedIcon } from '../../icons.tsx';
import { type ChangePlace, PLACES, refusalOf, troubleText } from './places.ts';
import type { Offering } from './use-offers.ts';

interface RowProps {
  readonly title: string;
  readonly about: string;
  readonly waiting: boolean;
  readonly id: string;
  readonly onGo: () => void;
}

function Row({ title, about, waiting, id, onGo }: RowProps) {
  return (
    <li>
      <div>
        <b>{title}</b>
        <p>{about}</p>
      </div>
      <button className="btn btn--sm" type="button" id={id} disabled={waiting} onClick={onGo}>
        {title}
      </button>
    </li>
  );
}

/** Changes that cannot be had for one and the same reason. */
function RefusedRow({ titles, why }: { readonly titles: readonly string[]; readonly why: string }) {
  const id = useId();
  return (
    <li className="changes__off">
      <p className="changes__why" id={id}>
        <BannedIcon />
        <span>{why}</span>
      </p>
      <div>
        {titles.map((title) => (
          <button key={title} className="btn btn--sm" type="button" disabled aria-describedby={id}>
            {title}
          </button>
        ))}
      </div>
    </li>
  );
}

export const menuId = (place: ChangePlace): string => `change-${place}`;

/** Why its disk cannot become another format. */
function noConversion({ missing, problem, diskProblem }: OpenReport): string | undefined {
  const [file] = missing;
  if (file) return `The disk reads through ${file.name}, which is not here.`;
  if (problem) return 'Neither its tables nor its disk can be read.';
  return diskProblem?.message;
}

interface Props {
  readonly report: OpenReport;
  readonly offering: Offering;
  readonly onGo: (place: ChangePlace) => void;
  /** To another format. */
  readonly onConvert: () => void;
}

export function ChangeMenu({ report, offering, onGo, onConvert }: Props) {
  const { offers, problem } = offering;
  const rows = [
    ...PLACES.map(({ place, title, kinds, about }) => {
      const refusal = offers && refusalOf(kinds, offers);
      const why = refusal && troubleText(refusal);
      return { id: menuId(place), title, about: about(report), why, waiting: !offers, onGo: () => onGo(place) };
    }),
    {
      id: 'change-convert',
      title: 'Convert',
      about: 'To another format, compressed or not.',
      why: noConversion(report),
      waiting: false,
      onGo: onConvert,
    },
  ];
  const reasons = [...new Set(rows.flatMap(({ why }) => (why === undefined ? [] : [why])))];
  return (
    <section className="panel" aria-labelledby="changes-title" aria-busy={!offers && problem === undefined}>
      <div className="panel__head">
        <h2 id="changes-title">Change it</h2>
        <p>always into a new file</p>
      </div>
      {problem !== undefined && (
        <p className="changes__problem" role="alert">
          What can be changed is not known: {problem}
        </p>
      )}
      <ul className="changes">
        {rows.map(({ why, ...row }) => why === undefined && <Row key={row.id} {...row} />)}
        {reasons.map((why) => (
          <RefusedRow key={why} why={why} titles={rows.filter((row) => row.why === why).map(({ title }) => title)} />
        ))}
      </ul>
    </section>
  );
}
