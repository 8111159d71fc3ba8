/** The bar at the top: the mark, the place one is in, the trust note and the theme. */
import { useState } from 'react';
import { openHelp } from '../help/help-state.ts';
import { HelpIcon, LockIcon, Mark, MoonIcon, SunIcon, SystemThemeIcon, WarningIcon } from '../icons.tsx';
import type { Place } from './place.ts';
import { useForeignRequests } from './requests.ts';
import { nextTheme, setTheme, storedTheme, type Theme } from './theme.ts';

const THEME_WORDS: Readonly<Record<Theme, string>> = { system: 'as the system', light: 'light', dark: 'dark' };

function ThemeButton() {
  const [theme, show] = useState(storedTheme);
  const label = `Theme: ${THEME_WORDS[theme]}`;
  function turn() {
    const next = nextTheme(theme);
    setTheme(next);
    show(next);
  }
  return (
    <button className="iconbtn" type="button" aria-label={label} title={label} onClick={turn}>
      {theme === 'system' ? <SystemThemeIcon /> : theme === 'light' ? <SunIcon /> : <MoonIcon />}
    </button>
  );
}

function HelpButton() {
  return (
    <button
      className="iconbtn"
      type="button"
      aria-label="Help"
      title="Help (? shows the keys)"
      aria-keyshortcuts="?"
      aria-haspopup="dialog"
      onClick={() => openHelp('clusters')}
    >
      <HelpIcon />
    </button>
  );
}

function TrustNote() {
  const requests = useForeignRequests();
  const broken = requests > 0;
  return (
    <>
      <button className={broken ? 'trust trust--broken' : 'trust'} type="button" popoverTarget="trust-note">
        {broken ? <WarningIcon /> : <LockIcon />}
        <span>
          <span className="trust__long">
            {broken ? 'Something left this device: ' : 'Nothing leaves this device: '}
          </span>
          <b>
            {requests} <span className="trust__word">{requests === 1 ? 'request' : 'requests'}</span>
          </b>
        </span>
      </button>
      <div id="trust-note" className="trust__note" popover="auto">
        <p>
          <b>Images are built and read on this device.</b> No part of one is sent anywhere: there is no server behind
          this page.
        </p>
        <p>
          The number counts requests to any other address since the page loaded, as the browser itself records them. The
          network panel of the developer tools shows the same.
        </p>
      </div>
    </>
  );
}

const PLACES: readonly { readonly id: Place; readonly name: string }[] = [
  { id: 'create', name: 'Create' },
  { id: 'open', name: 'Open' },
  { id: 'convert', name: 'Convert' },
];

export function Header({ place }: { readonly place: Place }) {
  return (
    <header className="bar">
      <div className="bar__in">
        <span className="mark">
          <Mark />
          <span className="mark__name">Diskwright</span>
        </span>
        <nav className="places" aria-label="Places">
          {PLACES.map(({ id, name }) => (
            <a key={id} href={`#${id}`} aria-current={id === place ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <div className="bar__end">
          <TrustNote />
          <HelpButton />
          <ThemeButton />
        </div>
      </div>
    </header>
  );
}
