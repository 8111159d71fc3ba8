/** The list of changes beside what is found: what each is for, or why the image cannot have it. */
import type { ChangeOffers } from '../../../worker/change/protocol.ts';
import type { OpenReport } from '../../../worker/open/protocol.ts';
import { BannedIcon } from '../../icons.tsx';
import { type ChangePlace, PLACES, refusalOf, troubleText } from './places.ts';
import type { Offering } from './use-offers.ts';

interface RowProps {
  readonly title: string;
  readonly about: string;
  readonly refused: string | undefined;
  readonly waiting: boolean;
  readonly id: string;
  readonly onGo: () => void;
}

function Row({ title, about, refused, waiting, id, onGo }: RowProps) {
  return (
    <li>
      <div>
        <b>{title}</b>
        {refused === undefined ? (
          <p>{about}</p>
        ) : (
          <p className="changes__why" id={`${id}-why`}>
            <BannedIcon />
            <span>{refused}</span>
          </p>
        )}
      </div>
      <button
        className="btn btn--sm"
        type="button"
        id={id}
        disabled={waiting || refused !== undefined}
        aria-describedby={refused === undefined ? undefined : `${id}-why`}
        onClick={onGo}
      >
        {title}
      </button>
    </li>
  );
}

export const menuId = (place: ChangePlace): string => `change-${place}`;

const refusedText = (kinds: Parameters<typeof refusalOf>[0], offers: ChangeOffers): string | undefined => {
  const refusal = refusalOf(kinds, offers);
  return refusal && troubleText(refusal);
};

interface Props {
  readonly report: OpenReport;
  readonly offering: Offering;
  readonly onGo: (place: ChangePlace) => void;
  /** To another format. */
  readonly onConvert?: (() => void) | undefined;
}

export function ChangeMenu({ report, offering, onGo, onConvert }: Props) {
  const { offers, problem } = offering;
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
        {PLACES.map(({ place, title, kinds, about }) => (
          <Row
            key={place}
            id={menuId(place)}
            title={title}
            about={about(report)}
            refused={offers && refusedText(kinds, offers)}
            waiting={!offers}
            onGo={() => onGo(place)}
          />
        ))}
        {onConvert && (
          <Row
            id="change-convert"
            title="Convert"
            about="To another format, compressed or not."
            refused={undefined}
            waiting={false}
            onGo={onConvert}
          />
        )}
      </ul>
    </section>
  );
}
