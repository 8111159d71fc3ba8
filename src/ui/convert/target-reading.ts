/** What the target means: its options with their problems, and what compression goes together with. */
import { FLAG_WORDS } from '../../engine/options/read.ts';
import { type FormFix, type FormProblem, type FormReading, readForm } from '../create/reading.ts';
import type { TargetAction, TargetState } from './target-state.ts';
import { compresses } from './target-state.ts';

/** What stands in the way of compressing, and the way out. */
export interface CompressProblem {
  readonly message: string;
  readonly why: string;
  readonly label: string;
  readonly action: TargetAction;
}

export interface TargetReading extends FormReading {
  readonly compress: CompressProblem | undefined;
}

const unset = (...names: string[]): TargetAction => ({
  type: 'form',
  action: { type: 'set', texts: Object.fromEntries(names.map((name) => [name, null])) },
});

function compressProblem(state: TargetState): CompressProblem | undefined {
  if (!compresses(state)) return undefined;
  const { texts } = state.form.line;
  if ((texts['preallocation'] ?? 'off') !== 'off') {
    return {
      message: 'Compression and preallocation exclude each other.',
      why: 'Preallocation takes the space of the whole data.',
      label: 'Set preallocation off',
      action: unset('preallocation'),
    };
  }
  if (texts['data_file'] !== undefined) {
    return {
      message: 'Nothing can be compressed into a data file.',
      why: 'It is the bytes of the disk.',
      label: 'Remove the data file',
      action: unset('data_file', 'data_file_raw'),
    };
  }
  if (texts['compression_type'] === 'zstd') {
    return {
      message: 'zstd can be read here, not written.',
      why: 'There is no encoder without WebAssembly that could be trusted.',
      label: 'Set zlib',
      action: unset('compression_type'),
    };
  }
  if (texts['encrypt.format'] !== undefined || FLAG_WORDS[texts['encryption'] ?? 'off']) {
    return {
      message: 'Encrypted data does not shrink.',
      why: 'Compression and encryption exclude each other.',
      label: 'Turn compression off',
      action: { type: 'compress', on: false },
    };
  }
  return undefined;
}

const setsSize = ({ action }: FormFix): boolean => action.type === 'set' && 'size' in action.texts;

/** The size is that of the disk: no way out leads through it. */
const placed = (problem: FormProblem): FormProblem => ({
  ...problem,
  fixes: problem.fixes.filter((fix) => !setsSize(fix)),
  ...(typeof problem.spot !== 'string' && problem.spot.option === 'size' ? { spot: 'format' as const } : {}),
});

/** `largest`: the largest disk that is to be converted. `fileName`: of the only image, where there is one. */
export function readTarget(state: TargetState, largest: number, fileName: string | undefined): TargetReading {
  const { line } = state.form;
  const texts = { ...line.texts, size: String(largest) };
  const reading = readForm({ ...line, name: fileName ?? 'disk', texts });
  const problems = reading.problems.filter(({ spot }) => spot !== 'name').map(placed);
  if (fileName === undefined && texts['data_file' as keyof typeof texts] !== undefined) {
    problems.push({
      spot: { option: 'data_file' },
      message: 'Several images cannot share one data file.',
      why: 'Convert them one after the other, or leave the data in the images.',
      fixes: [
        { label: 'Remove the data file', action: { type: 'set', texts: { data_file: null, data_file_raw: null } } },
      ],
    });
  }
  return { ...reading, texts: line.texts, problems, compress: compressProblem(state) };
}
