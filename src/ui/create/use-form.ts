/** The form as the page holds it: its state with undo and redo, and the same state in the address. */
import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from 'react';
import { readLink } from '../../recipes/link.ts';
import { formOfRecipe, linkOf } from './form-recipe.ts';
import { beginHistory, changedFields, turn } from './history.ts';
import { type FormAction, type FormState, initialState } from './state.ts';
import { useAddress } from './use-address.ts';

export interface Form {
  readonly state: FormState;
  /** The address behind `#`. */
  readonly link: string;
  readonly dispatch: (action: FormAction) => void;
  /** Takes over a whole state, as a step of the browser's history, too. */
  readonly replace: (state: FormState) => void;
  readonly undo: (() => void) | undefined;
  readonly redo: (() => void) | undefined;
  /** What undo or redo did, to be read out. */
  readonly said: string;
  /** Why the address is no recipe. */
  readonly badLink: string | undefined;
}

const badness = (hash: string): string | undefined => {
  const reading = readLink(hash);
  return reading?.ok === false ? reading.message : undefined;
};

function startingState(): FormState {
  const reading = readLink(location.hash);
  return reading?.ok ? formOfRecipe(reading.recipe) : initialState;
}

export function useForm(): Form {
  const [history, send] = useReducer(turn, undefined, () => beginHistory(startingState()));
  const { past, present, future } = history;
  const [said, setSaid] = useState('');
  const [badLink, setBadLink] = useState(() => badness(location.hash));
  const link = useMemo(() => linkOf(present), [present]);

  const dispatch = useCallback((action: FormAction) => {
    setSaid('');
    setBadLink(undefined);
    send({ type: 'do', action, at: performance.now() });
  }, []);
  const show = useCallback(
    (hash: string) => {
      const reading = readLink(hash);
      if (reading?.ok) dispatch({ type: 'whole', state: formOfRecipe(reading.recipe) });
      else setBadLink(reading?.message);
    },
    [dispatch],
  );
  const { step } = useAddress(link, show);

  function go(type: 'undo' | 'redo', target: FormState | undefined) {
    if (!target) return undefined;
    return () => {
      send({ type });
      const fields = changedFields(present, target).join(', ');
      setSaid(`${type === 'undo' ? 'Undone' : 'Done again'}: ${fields}.`);
    };
  }

  return {
    state: present,
    link,
    dispatch,
    replace: (state) => {
      if (linkOf(state) !== link) step();
      dispatch({ type: 'whole', state });
    },
    undo: go('undo', past.at(-1)),
    redo: go('redo', future[0]),
    said,
    badLink,
  };
}

/** Ctrl+Z and its like anywhere but in a text, where they are the text's own. */
export function useUndoKeys({ undo, redo }: Pick<Form, 'undo' | 'redo'>, active: boolean): void {
  const keys = useRef({ undo, redo });
  useEffect(() => {
    keys.current = { undo, redo };
  });
  useEffect(() => {
    if (!active) return;
    function press(event: KeyboardEvent) {
      if (document.querySelector('dialog[open]')) return;
      if (!(event.ctrlKey || event.metaKey) || event.altKey || editsText(event.target)) return;
      const key = event.key.toLowerCase();
      const back = key === 'z' && !event.shiftKey;
      if (!back && !(key === 'z' || (key === 'y' && event.ctrlKey))) return;
      event.preventDefault();
      if (back) keys.current.undo?.();
      else keys.current.redo?.();
    }
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [active]);
}

export function editsText(target: EventTarget | null): boolean {
  if (target instanceof HTMLTextAreaElement) return true;
  if (target instanceof HTMLInputElement) return !/^(?:radio|checkbox|range|button|file)$/.test(target.type);
  return target instanceof HTMLElement && target.isContentEditable;
}
