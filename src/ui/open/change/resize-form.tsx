/** Resize: the new size as in Create, what a smaller disk costs, and how much of a larger one is laid out now. */
import { parseQemuSize, printQemuSize } from '../../../engine/bytes/size-text.ts';
import { formatBytes } from '../../../engine/bytes/units.ts';
import { findFormat } from '../../../engine/formats/index.ts';
import type { Preallocation } from '../../../engine/image/writable.ts';
import { type ChoiceOption, findOption, type SizeOption } from '../../../engine/options/declare.ts';
import type { OpenReport } from '../../../worker/open/protocol.ts';
import { SizeField } from '../../fields/size-field.tsx';
import { BannedIcon } from '../../icons.tsx';
import { exactBytes } from '../../measure.tsx';
import { ChoiceRows } from './choice-rows.tsx';
import { Confirmation } from './confirmation.tsx';
import type { ChangeForm, FormProps } from './form.ts';
import type { Wanted } from './places.ts';

interface ResizeDraft {
  /** As in an option's text. */
  readonly size: string | undefined;
  readonly preallocation: Preallocation;
  /** Of a smaller disk: the person says yes to the loss. */
  readonly sure: boolean;
}

const SIZE = 'resize-size';
const SURE = 'resize-sure';
const QUICK = ['8G', '16G', '20G', '32G', '64G', '128G', '256G', '512G', '1T', '2T', '4T', '8T'];
const MOST_QUICK = 6;

const bytesOf = (text: string | undefined): bigint | undefined => {
  const reading = text === undefined ? undefined : parseQemuSize(text);
  return reading?.ok ? reading.bytes : undefined;
};

const optionOf = (report: OpenReport, name: string) => {
  const set = findFormat(report.format)?.options;
  return set && findOption(set, name);
};

/** The sizes that people choose next. */
export function largerSizes(now: number): string[] {
  return QUICK.filter((one) => (bytesOf(one) ?? 0n) > BigInt(now)).slice(0, MOST_QUICK);
}

export function resizeWanted({ size, preallocation, sure }: ResizeDraft, { virtualSize = 0 }: OpenReport): Wanted {
  if (size === undefined) return { missing: 'The disk needs a size.', button: 'Type a size', at: SIZE };
  const bytes = bytesOf(size);
  if (bytes === undefined || bytes > BigInt(Number.MAX_SAFE_INTEGER)) {
    return { missing: `"${size}" is not a size: 40G, 40 GiB, 40 GB.`, button: 'Settle the size', at: SIZE };
  }
  const now = BigInt(virtualSize);
  if (bytes === now) {
    return { missing: 'This is the size that the disk has.', button: 'Type another size', at: SIZE };
  }
  if (bytes < now) {
    const missing = `Everything behind ${formatBytes(bytes)} would be lost.`;
    if (!sure) return { missing, button: 'Confirm the smaller disk', at: SURE };
    return { change: { kind: 'resize', size: Number(bytes), shrink: true } };
  }
  return {
    change: { kind: 'resize', size: Number(bytes), ...(preallocation === 'off' ? {} : { preallocation }) },
  };
}

/** What a person reads below the size. */
function difference(bytes: bigint | undefined, now: number): string {
  if (bytes === undefined || bytes === BigInt(now)) return `It has ${formatBytes(now)} (${exactBytes(now)}) now.`;
  if (bytes > BigInt(now)) {
    return `${formatBytes(bytes - BigInt(now))} more than now. The new part reads as zeros; the guest sees it as space behind its last partition.`;
  }
  return `${formatBytes(BigInt(now) - bytes)} less than now.`;
}

function Fields({ draft, onDraft, report }: FormProps<ResizeDraft>) {
  const now = report.virtualSize ?? 0;
  const option = optionOf(report, 'size') as SizeOption | undefined;
  const choices = (optionOf(report, 'preallocation') as ChoiceOption | undefined)?.choices ?? [];
  const bytes = bytesOf(draft.size);
  const smaller = bytes !== undefined && bytes < BigInt(now);
  const larger = bytes !== undefined && bytes > BigInt(now);
  const unread = draft.size !== undefined && (bytes === undefined || bytes > BigInt(Number.MAX_SAFE_INTEGER));
  return (
    <>
      {option && (
        <div className="field">
          <label className="field__label" htmlFor={SIZE}>
            {option.label}
          </label>
          <div>
            <SizeField
              option={option}
              id={SIZE}
              text={draft.size}
              disabled={false}
              invalid={unread}
              describedBy={`${SIZE}-help`}
              quick={largerSizes(now)}
              onChange={(size) => onDraft({ ...draft, size: size ?? undefined, sure: false })}
            />
            <p className="help" id={`${SIZE}-help`}>
              {difference(unread ? undefined : bytes, now)}
            </p>
            {smaller && (
              <Confirmation
                id={SURE}
                rule={`Everything behind ${formatBytes(bytes)} is lost.`}
                words={`All that is kept lies before ${formatBytes(bytes)}`}
                checked={draft.sure}
                onChange={(sure) => onDraft({ ...draft, sure })}
              >
                First shrink the file systems and partitions inside the guest so that they end before it. A GPT has a
                copy at the end of the disk: repair it afterwards.
              </Confirmation>
            )}
          </div>
        </div>
      )}
      {larger && choices.length > 0 && (
        <ChoiceRows
          label="Preallocation"
          mono
          ways={choices.map(({ value, help }) => ({ value: value as Preallocation, title: value, help }))}
          value={draft.preallocation}
          onChange={(preallocation) => onDraft({ ...draft, preallocation })}
        />
      )}
      {!larger && choices.length > 0 && (
        <div className="field">
          <span className="field__label">Preallocation</span>
          <p className="why why--field">
            <BannedIcon />
            <span>Only for a disk that grows: it is about the part that is new.</span>
          </p>
        </div>
      )}
    </>
  );
}

export const resizeForm: ChangeForm<ResizeDraft> = {
  initial: ({ report }) => ({
    size: report.virtualSize === undefined ? undefined : printQemuSize(BigInt(report.virtualSize)),
    preallocation: 'off',
    sure: false,
  }),
  wanted: resizeWanted,
  Fields,
};
