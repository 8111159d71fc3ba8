/**
 * The library, for any place that runs JavaScript: formats and their options, layouts, and what writes
 * them. Files on a Node host: see `diskwright/node`.
 */
export { parseQemuSize, parseTypedSize, printQemuSize, type SizeReading } from './engine/bytes/size-text.ts';
export type { DeviceRun, ReadableDevice, WritableDevice } from './engine/device/device.ts';
export { MemoryDevice, memoryDeviceOf } from './engine/device/memory.ts';
export { DiskwrightError, type ErrorDetail, type ErrorKind } from './engine/errors.ts';
export { findFormat, formats } from './engine/formats/index.ts';
export { type Chain, readGuest } from './engine/image/access.ts';
export type { Facts, FactValue, ImageDescription, SnapshotFacts } from './engine/image/description.ts';
export type {
  BackingReference,
  CreateDriver,
  CreateRequest,
  Estimate,
  Fact,
  Forecast,
  FormatDriver,
  FormatEditor,
  FormatSpec,
} from './engine/image/format.ts';
export type { Extent, ImageDevices, OpenImage } from './engine/image/image.ts';
export type {
  FileLayout,
  ImageLayout,
  LayoutTotals,
  Part,
  Piece,
} from './engine/image/layout.ts';
export type { CheckProgress, CheckReport, Finding } from './engine/image/report.ts';
export type { OpenSettings, Steps, WritableDevices, WritableImage } from './engine/image/writable.ts';
export {
  type Fix,
  findOption,
  inOrder,
  type OptionDeclaration,
  type OptionSet,
  type OptionTexts,
  type Problem,
} from './engine/options/declare.ts';
export { parseOptionList, printOptionList } from './engine/options/option-list.ts';
export { type Reading, readOptions } from './engine/options/read.ts';
export { summaryLine } from './engine/options/summary.ts';
export { type CommitRequest, commitInto } from './jobs/commit.ts';
export { type CompareStep, compareDisks, type Difference } from './jobs/compare.ts';
export { emitLayout } from './jobs/create.ts';
export { type CopyRequest, copyBlocks } from './jobs/dd.ts';
export { type Digests, digestLayout, type Hash, LayoutDigest } from './jobs/digest.ts';
export { type MapEntry, mapDisk } from './jobs/map.ts';
export { type RebaseRequest, rebaseOnto } from './jobs/rebase.ts';
export type { Operation, Progress, Step } from './jobs/step.ts';
export { type TruncateMode, truncateDevice } from './jobs/truncate.ts';
export { writeLayout } from './jobs/write-layout.ts';
export { printLink, readLink } from './recipes/link.ts';
export { type Preset, presets } from './recipes/presets.ts';
export {
  type Json,
  parseRecipe,
  printRecipe,
  RECIPE_VERSION,
  type Recipe,
  type RecipeReading,
  recipeOf,
  unknownKeys,
  withoutSecrets,
} from './recipes/recipe.ts';
