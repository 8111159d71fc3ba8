/** Of an image that is written anew: its format, and what becomes of compressed clusters. */
import type { CompressedClusters } from '../../../worker/change/protocol.ts';
import { ChoiceRows, type Way } from './choice-rows.tsx';

interface NewImage {
  readonly format: 'qcow2' | 'raw';
  readonly compressed: CompressedClusters;
}

const FORMATS: readonly Way<NewImage['format']>[] = [
  {
    value: 'qcow2',
    title: 'qcow2',
    help: 'As short as its data; keeps snapshots, backing files and options possible.',
  },
  { value: 'raw', title: 'raw', help: 'Byte for byte the disk, as long as the disk. Everything opens it.' },
];

const PACKING: readonly Way<CompressedClusters>[] = [
  { value: 'keep', title: 'Stay compressed', help: 'They are taken over as they are: fast, and as short as before.' },
  { value: 'unpack', title: 'Unpack', help: 'The file grows; reading it is faster.' },
];

export function Packing({
  value,
  onChange,
}: {
  readonly value: CompressedClusters;
  readonly onChange: (value: CompressedClusters) => void;
}) {
  return <ChoiceRows label="Compressed clusters" ways={PACKING} value={value} onChange={onChange} />;
}

export function NewImageFields({
  draft,
  onDraft,
}: {
  readonly draft: NewImage;
  readonly onDraft: (part: Partial<NewImage>) => void;
}) {
  return (
    <>
      <ChoiceRows label="As" mono ways={FORMATS} value={draft.format} onChange={(format) => onDraft({ format })} />
      {draft.format === 'qcow2' && (
        <Packing value={draft.compressed} onChange={(compressed) => onDraft({ compressed })} />
      )}
    </>
  );
}
