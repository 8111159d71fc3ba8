/**
 * Light, dark or as the system has it. At the start `public/theme.js` applies what is stored here, before the
 * first paint; the colours themselves are CSS.
 */
export type Theme = 'system' | 'light' | 'dark';

const KEY = 'diskwright.theme';
const ORDER: readonly Theme[] = ['system', 'light', 'dark'];

/** Storage may be forbidden (private windows, sandboxed frames); the theme is then forgotten. */
export function storedTheme(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return ORDER.find((theme) => theme === stored) ?? 'system';
  } catch {
    return 'system';
  }
}

function apply(theme: Theme): void {
  const { dataset } = document.documentElement;
  if (theme === 'system') delete dataset['theme'];
  else dataset['theme'] = theme;
}

export function setTheme(theme: Theme): void {
  apply(theme);
  try {
    if (theme === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Shown all the same, only not remembered.
  }
}

export const nextTheme = (theme: Theme): Theme => ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length] ?? 'system';
