/** What long work does outside the page: a word before the tab is closed, and a screen that stays awake. */
import { useEffect } from 'react';

/** The browser asks before it leaves the page. */
export function useLeaveWarning(working: boolean): void {
  useEffect(() => {
    if (!working) return;
    const ask = (event: Event) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [working]);
}

/** A device that falls asleep stops the work. The browser lets go whenever the page is hidden. */
export function useWakeLock(working: boolean): void {
  useEffect(() => {
    const { wakeLock } = navigator;
    if (!working || !wakeLock) return;
    let over = false;
    let held: WakeLockSentinel | undefined;
    async function hold() {
      if (document.visibilityState !== 'visible' || (held && !held.released)) return;
      try {
        const next = await wakeLock.request('screen');
        if (over) await next.release();
        else held = next;
      } catch {
        // An empty battery, or a policy: the work goes on as long as the device does.
      }
    }
    const see = () => void hold();
    see();
    document.addEventListener('visibilitychange', see);
    return () => {
      over = true;
      document.removeEventListener('visibilitychange', see);
      held?.release().catch(() => {});
    };
  }, [working]);
}
