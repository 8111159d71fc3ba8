/** While a file is saved: how far in the window's title, and a word before the tab is closed. */
import { useEffect } from 'react';
import type { Saving } from './use-saving.ts';

export function useStayOpen(saving: Saving): void {
  const running = saving.state === 'saving';
  useEffect(() => {
    if (!running) return;
    const ask = (event: Event) => event.preventDefault();
    const usual = document.title;
    window.addEventListener('beforeunload', ask);
    return () => {
      window.removeEventListener('beforeunload', ask);
      document.title = usual;
    };
  }, [running]);

  const { done = 0, total = 0 } = (running && saving.progress) || {};
  const percent = total > 0 ? Math.floor((100 * done) / total) : 0;
  const fileName = running ? saving.order.fileName : undefined;
  useEffect(() => {
    if (fileName !== undefined) document.title = `${percent} % of ${fileName}`;
  }, [fileName, percent]);
}
