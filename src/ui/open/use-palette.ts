/** The page's colours for a canvas, read from elements that wear them, and again when the theme turns. */
import { type RefObject, useEffect, useState } from 'react';
import type { KindLook } from './kinds.ts';
import type { Palette } from './map-drawing.ts';

export const SWATCHES = [
  'header',
  'refcount',
  'address',
  'data',
  'snapshot',
  'bitmap',
  'bad',
] as const satisfies readonly KindLook['colour'][];
export const INKS = ['gap', 'text', 'tick', 'accent'] as const;

/** `probes` holds one element for each name, in its colour. */
export function usePalette(probes: RefObject<HTMLElement | null>): Palette | undefined {
  const [palette, setPalette] = useState<Palette>();
  useEffect(() => {
    const read = () => {
      const colour = (name: string): string => {
        const element = probes.current?.querySelector(`[data-colour="${name}"]`);
        return element ? getComputedStyle(element).color : '#888';
      };
      const colours = Object.fromEntries(SWATCHES.map((name) => [name, colour(name)])) as Palette['colours'];
      const [gap = '', text = '', tick = '', accent = ''] = INKS.map(colour);
      setPalette({ colours, gap, text, tick, accent });
    };
    // In the next frame, which works the styles out anyway.
    const frame = requestAnimationFrame(read);
    const media = matchMedia('(prefers-color-scheme: dark)');
    const watcher = new MutationObserver(read);
    watcher.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    media.addEventListener('change', read);
    return () => {
      cancelAnimationFrame(frame);
      watcher.disconnect();
      media.removeEventListener('change', read);
    };
  }, [probes]);
  return palette;
}
