/** Create options of whole-file LUKS and the rules between them. */
import { declare } from '../../options/declare.ts';
import { fileLayerOptions, fileLayerRules } from '../../options/file-layer.ts';
import { luksOptions, luksRules } from '../../options/luks.ts';

export const luksFileOptions = declare(
  {
    size: {
      kind: 'size',
      qemu: 'size',
      label: 'Size',
      help: 'What the guest sees. The file is up to 2 MiB longer.',
      place: { group: 'disk', order: 1 },
    },
    ...luksOptions('', (order) => ({ group: 'extras', fold: 'encryption', order })),
    nocow: fileLayerOptions.nocow,
    preallocation: {
      kind: 'choice',
      qemu: 'preallocation',
      label: 'Preallocation',
      help: 'When the space of the file is taken. Either way the guest sees noise where it has not written.',
      place: { group: 'layout', order: 1 },
      layer: 'file',
      default: 'off',
      choices: [
        // QEMU takes `metadata` for the same: there is none behind the header.
        { value: 'off', also: ['metadata'], help: 'One hole: takes space as the guest writes.' },
        { value: 'falloc', help: 'Space taken now. A browser can only do it by writing zeros.' },
        { value: 'full', help: 'All written now: slow, never grows later.' },
      ],
    },
    extentSizeHint: fileLayerOptions.extentSizeHint,
  },
  [...luksRules('', () => true), ...fileLayerRules],
);
