/** Backing file: another one, only another name, or none. */
import { useState } from 'react';
import { findFormat } from '../../../engine/formats/index.ts';
import { findOption, type TextOption } from '../../../engine/options/declare.ts';
import type { ChangeOffers, CompressedClusters } from '../../../worker/change/protocol.ts';
import type { EngineClient } from '../../../worker/engine-client.ts';
import type { OpenReport } from '../../../worker/open/protocol.ts';
import { TextField } from '../../fields/text-field.tsx';
import { FileIcon } from '../../icons.tsx';
import { Chooser } from '../chooser.tsx';
import { wordsOf } from '../use-image.ts';
import { ChoiceRows, type Way } from './choice-rows.tsx';
import type { ChangeForm, FormProps } from './form.ts';
import { NewImageFields } from './new-image-fields.tsx';
import { troubleText, type Wanted } from './places.ts';

type BackingWay = 'safe' | 'name' | 'none' | 'flatten';

interface BackingDraft {
  readonly way: BackingWay;
  readonly name: string;
  readonly backingFormat: string;
  /** The new backing image, and what it rests on. */
  readonly files: readonly File[];
  readonly format: 'qcow2' | 'raw';
  readonly compressed: CompressedClusters;
}

const FILES = 'backing-choose';
const nameId = 'backing-name';
const formatId = 'backing-format';

const WAYS: readonly (Way<BackingWay> & { readonly kind: 'rebase' | 'flatten' })[] = [
  {
    value: 'safe',
    kind: 'rebase',
    title: 'Another backing file, the same disk',
    help: 'Both files are read, and what the new one lacks is copied into the image. The guest sees no difference.',
  },
  {
    value: 'name',
    kind: 'rebase',
    title: 'Only another name',
    help: 'For a file that was renamed or moved. Nothing is compared: with another content below, the disk is damaged.',
  },
  {
    value: 'none',
    kind: 'rebase',
    title: 'No backing file, the same image',
    help: 'Copies in what it reads from below. Its snapshots stay.',
  },
  {
    value: 'flatten',
    kind: 'flatten',
    title: 'One new image of the whole chain',
    help: 'Writes the disk as it is now into an image that stands alone, as qcow2 or raw, without snapshots.',
  },
];

export const hasBacking = ({ below, missing, facts, json }: OpenReport): boolean =>
  below.some(({ role }) => role === 'backing image') ||
  missing.some(({ role }) => role === 'backing image') ||
  facts?.['backing-filename'] !== undefined ||
  (json?.includes('"backing-filename"') ?? false);

function waysOf(report: OpenReport, offers: ChangeOffers): Way<BackingWay>[] {
  const [missing] = report.missing;
  const [locked] = report.locked;
  const unread = missing
    ? `${missing.name} is not here. Add it under Look inside first.`
    : locked
      ? `${locked.name} is locked. Give its passphrase under Look inside first.`
      : report.diskProblem?.message;
  return WAYS.map(({ kind, ...way }) => {
    const { refused } = offers[kind];
    if (refused) return { ...way, refused: troubleText(refused) };
    if ((way.value === 'none' || way.value === 'flatten') && !hasBacking(report)) {
      return { ...way, refused: 'It rests on no other file.' };
    }
    if (way.value === 'name' && !hasBacking(report)) {
      return { ...way, refused: 'It rests on no other file, so there is no name to change.' };
    }
    if (way.value !== 'name' && unread !== undefined) return { ...way, refused: unread };
    return way;
  });
}

export function backingWanted(draft: BackingDraft): Wanted {
  const { way, name, backingFormat, files, format, compressed } = draft;
  if (way === 'flatten') {
    return { change: { kind: 'flatten', format, ...(format === 'qcow2' ? { compressed } : {}) } };
  }
  if (way === 'none') return { change: { kind: 'rebase', mode: 'safe' } };
  if (way === 'safe' && files.length === 0) {
    return { missing: 'The new backing file is not here.', button: 'Choose the backing file', at: FILES };
  }
  if (name.trim() === '') return { missing: 'The backing file needs a name.', button: 'Type its name', at: nameId };
  if (backingFormat.trim() === '') {
    return { missing: 'Its format is not said.', button: 'Type its format', at: formatId };
  }
  const backing = { name, format: backingFormat.trim() };
  if (way === 'name') return { change: { kind: 'rebase', mode: 'unsafe', backing } };
  return { change: { kind: 'rebase', mode: 'safe', backing, files: files.map((file) => ({ file })) } };
}

interface ChooseProps {
  readonly client: EngineClient;
  readonly draft: BackingDraft;
  readonly onDraft: (draft: BackingDraft) => void;
}

function ChooseFile({ client, draft, onDraft }: ChooseProps) {
  const [problem, setProblem] = useState<string>();

  function take(files: readonly File[]) {
    const [file] = files;
    if (!file) return;
    setProblem(undefined);
    client.identify(file).then(
      ({ format }) => onDraft({ ...draft, files, name: file.name, backingFormat: format }),
      (error: unknown) => {
        setProblem(wordsOf(error));
        onDraft({ ...draft, files, name: file.name });
      },
    );
  }

  const names = draft.files.map(({ name }) => name);
  return (
    <div className="field">
      <span className="field__label">The file</span>
      <div>
        <Chooser
          id={FILES}
          label={
            <>
              <FileIcon />
              {names.length === 0 ? 'Choose the backing file' : 'Choose another'}
            </>
          }
          name="Backing file"
          multiple
          onFiles={take}
        />
        <p className="help" role="status">
          {problem ??
            (names.length === 0
              ? 'With everything that it rests on itself, in one go; the file that is to be named first.'
              : `${names.join(', ')}. Read in place, never changed.`)}
        </p>
      </div>
    </div>
  );
}

function Fields({ draft, onDraft, report, offers, client }: FormProps<BackingDraft>) {
  const { way } = draft;
  const set = findFormat('qcow2')?.options;
  const texts = [
    { name: 'backing_file', id: nameId, value: draft.name, put: (name: string) => onDraft({ ...draft, name }) },
    {
      name: 'backing_fmt',
      id: formatId,
      value: draft.backingFormat,
      put: (backingFormat: string) => onDraft({ ...draft, backingFormat }),
    },
  ];
  return (
    <>
      <ChoiceRows
        label="What"
        ways={waysOf(report, offers)}
        value={way}
        onChange={(next) => onDraft({ ...draft, way: next })}
      />
      {way === 'safe' && <ChooseFile client={client} draft={draft} onDraft={onDraft} />}
      {(way === 'name' || (way === 'safe' && draft.files.length > 0)) &&
        texts.map(({ name, id, value, put }) => {
          const option = (set && findOption(set, name)) as TextOption | undefined;
          return (
            option && (
              <div className="field" key={name}>
                <label className="field__label" htmlFor={id}>
                  {option.label}
                </label>
                <div>
                  <TextField
                    option={option}
                    id={id}
                    text={value}
                    disabled={false}
                    invalid={false}
                    describedBy={`${id}-help`}
                    onChange={(text) => put(text ?? '')}
                  />
                  <p className="help" id={`${id}-help`}>
                    {name === 'backing_file'
                      ? 'Stored as typed; where it is relative, it is so to the new file.'
                      : option.help}
                  </p>
                </div>
              </div>
            )
          );
        })}
      {way === 'flatten' && <NewImageFields draft={draft} onDraft={(part) => onDraft({ ...draft, ...part })} />}
    </>
  );
}

export const backingForm: ChangeForm<BackingDraft> = {
  initial: ({ report, offers }) => ({
    way: waysOf(report, offers).find(({ refused }) => refused === undefined)?.value ?? 'safe',
    name: report.below[0]?.name ?? report.missing[0]?.name ?? '',
    backingFormat: report.below[0]?.format ?? report.missing[0]?.format ?? '',
    files: [],
    format: 'qcow2',
    compressed: 'keep',
  }),
  wanted: backingWanted,
  Fields,
};
