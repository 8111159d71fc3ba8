/** Create options of raw images and the rules between them. */
import { declare } from '../../options/declare.ts';
import { fileLayerOptions, fileLayerRules } from '../../options/file-layer.ts';

export const rawOptions = declare(
  {
    size: {
      kind: 'size',
      qemu: 'size',
      label: 'Size',
      help: 'What the guest sees. The file is as long, and sparse where the disk can.',
      place: { group: 'disk', order: 1 },
    },
    nocow: fileLayerOptions.nocow,
    preallocation: {
      kind: 'choice',
      qemu: 'preallocation',
      label: 'Preallocation',
      help: 'When the space of the file is taken.',
      place: { group: 'layout', order: 1 },
      layer: 'file',
      default: 'off',
      choices: [
        { value: 'off', help: 'One hole: takes space as the guest writes.' },
        { value: 'falloc', help: 'Space taken now. A browser can only do it by writing zeros.' },
        { value: 'full', help: 'All written now: slow, never grows later.' },
      ],
    },
    extentSizeHint: fileLayerOptions.extentSizeHint,
  },
  fileLayerRules,
);
