/** Escape cancels, wherever the focus is. */
import { useEffect } from 'react';

export function useEscape(onCancel: (() => void) | undefined): void {
  useEffect(() => {
    if (!onCancel) return;
    function press(event: KeyboardEvent) {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      onCancel?.();
    }
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [onCancel]);
}
