/** What is over in a moment need not flash up. */
import { useEffect, useState } from 'react';

/** True once `active` has lasted `milliseconds`: what is over before then need not flash up. */
export function useLasting(active: boolean, milliseconds: number): boolean {
  const [passed, setPassed] = useState(false);
  useEffect(() => {
    if (!active) return;
    const timer = setTimeout(() => setPassed(true), milliseconds);
    return () => {
      clearTimeout(timer);
      setPassed(false);
    };
  }, [active, milliseconds]);
  return active && passed;
}
