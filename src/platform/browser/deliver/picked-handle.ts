/** A file that the person picked to save to. The page gets it, the worker writes it. */

/** `remove` is not in every browser yet. */
export type PickedHandle = FileSystemFileHandle & { remove?(): Promise<void> };

/** A picked file that was emptied or made for nothing goes again, where the browser can. */
export async function removePicked(handle: PickedHandle): Promise<void> {
  await handle.remove?.().catch(() => {});
}
