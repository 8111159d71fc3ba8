/** The library on a Node host: image files, devices over files, and the pump that runs operations. */
export { type ConvertImageFileOptions, convertImageFile } from './platform/node/convert-image-file.ts';
export {
  type CreatedImage,
  type CreateImageFileOptions,
  createImageFile,
} from './platform/node/create-image-file.ts';
export { NodeFileDevice, NodeReadDevice } from './platform/node/file-device.ts';
export { digestFile } from './platform/node/file-digests.ts';
export {
  type ImageFile,
  type Layer,
  type OpenedChain,
  type OpenOptions,
  openChain,
  openImageFile,
} from './platform/node/open-images.ts';
export {
  type OpenedWritable,
  openWritableImage,
  type WritableOptions,
  withWritableImage,
} from './platform/node/open-writable.ts';
export { type PumpOptions, pump } from './platform/node/pump.ts';
export { runSteps } from './platform/node/run-steps.ts';
