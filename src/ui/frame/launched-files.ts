/**
 * Files that the system opens with the installed page (`file_handlers` of the manifest), where the browser has that:
 * https://developer.mozilla.org/en-US/docs/Web/API/LaunchQueue. Elsewhere there is no such queue.
 */
import { useEffect } from 'react';

interface Launch {
  readonly files: readonly { getFile(): Promise<File> }[];
}

interface LaunchQueue {
  setConsumer(consumer: (launch: Launch) => void): void;
}

export function useLaunchedFiles(onFiles: (files: readonly File[]) => void): void {
  useEffect(() => {
    const { launchQueue } = window as Window & { readonly launchQueue?: LaunchQueue };
    launchQueue?.setConsumer(({ files }) => {
      if (files.length === 0) return;
      // One that is gone by now is not opened; the others are.
      Promise.allSettled(files.map((handle) => handle.getFile())).then((results) => {
        const there = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
        if (there.length > 0) onFiles(there);
      });
    });
  }, [onFiles]);
}
