/**
 * Keeps the form in the address behind `#`, so that a reload, a bookmark and a sent link bring it back. Edits
 * replace the address; a whole recipe is a step of its own that the browser's Back undoes. Other places of the page
 * have their own addresses, which are left alone.
 */
import { useCallback, useEffect, useRef } from 'react';
import { linkOf } from './form-recipe.ts';
import { initialState } from './state.ts';

/** Browsers allow some hundred changes of the address in half a minute, and typing makes many. */
const PAUSE = 300;

const UNTOUCHED = linkOf(initialState);
const isOurs = (hash: string): boolean => hash === '' || hash === '#' || /^#create(?:\?|$)/.test(hash);

/** `show`: an address came from outside (Back, a pasted link) that is not the form's own. */
export function useAddress(link: string, show: (hash: string) => void): { step: () => void } {
  const current = useRef(link);
  /** What the page itself put there last, or what it last followed. */
  const written = useRef('');
  /** The next address is a new step. */
  const pushes = useRef(false);

  const write = useCallback((always?: 'always') => {
    const { hash } = location;
    if (!isOurs(hash) || hash === current.current) return;
    // An address that says nothing means the form as it starts.
    const bare = !hash.includes('?');
    if (bare && current.current === UNTOUCHED && !always) return;
    written.current = current.current;
    if (pushes.current) history.pushState(null, '', current.current);
    else history.replaceState(null, '', current.current);
    pushes.current = false;
  }, []);

  const shown = useRef(link);
  useEffect(() => {
    current.current = link;
    // At first the form is what the address says, or the address cannot be read and is left to be looked at.
    if (shown.current === link) return;
    shown.current = link;
    const timer = setTimeout(write, pushes.current ? 0 : PAUSE);
    return () => clearTimeout(timer);
  }, [link, write]);

  useEffect(() => {
    const flush = () => write();
    function follow() {
      const { hash } = location;
      if (hash === current.current || hash === written.current) return;
      written.current = hash;
      if (hash.startsWith('#create?')) show(hash);
      else write();
    }
    window.addEventListener('hashchange', follow);
    window.addEventListener('focusout', flush);
    window.addEventListener('pagehide', flush);
    return () => {
      window.removeEventListener('hashchange', follow);
      window.removeEventListener('focusout', flush);
      window.removeEventListener('pagehide', flush);
    };
  }, [show, write]);

  const step = useCallback(() => {
    write('always');
    pushes.current = true;
  }, [write]);
  return { step };
}
