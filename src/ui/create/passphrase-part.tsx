/** The passphrase of a disk that is to be encrypted, beside its options. It is a part of no state that is kept. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { OptionTexts } from '../../engine/options/declare.ts';
import { fieldId } from '../fields/field.ts';
import { PassphraseField } from '../fields/passphrase-field.tsx';
import type { FormProblem } from './reading.ts';

const INSECURE =
  'Not available here: browsers hand out keys only to pages that come over https or from this machine itself.';

/** How the disk is to be encrypted, and the option that names its secret. */
export interface Encrypting {
  readonly kind: 'luks' | 'aes';
  readonly option: string;
}

export function encryptingOf(format: string, texts: OptionTexts): Encrypting | undefined {
  if (format === 'luks') return { kind: 'luks', option: 'key-secret' };
  const kind = texts['encrypt.format'];
  if (kind === 'luks' || kind === 'aes') return { kind, option: 'encrypt.key-secret' };
  return ['on', 'yes', 'true', 'y'].includes(texts['encryption'] ?? '')
    ? { kind: 'aes', option: 'encrypt.key-secret' }
    : undefined;
}

export interface Passphrase {
  readonly text: string;
  readonly set: (text: string) => void;
  /** Why encryption cannot be had here. */
  readonly unavailable: string | undefined;
  readonly problems: readonly FormProblem[];
}

/** `saved`: a disk has just been saved with it, so that it is needed no more. */
export function usePassphrase(encrypting: Encrypting | undefined, saved: boolean): Passphrase {
  const [text, setText] = useState('');
  const forget = useCallback(() => setText(''), []);
  useEffect(() => {
    if (saved || !encrypting) forget();
  }, [saved, encrypting, forget]);
  const unavailable = globalThis.isSecureContext === false ? INSECURE : undefined;
  const empty = text === '' && !saved;
  const problems = useMemo(() => problemsOf(encrypting, unavailable, empty), [encrypting, unavailable, empty]);
  return { text, set: setText, unavailable, problems };
}

function problemsOf(encrypting: Encrypting | undefined, unavailable: string | undefined, empty: boolean) {
  const problems: FormProblem[] = [];
  if (encrypting && unavailable !== undefined) {
    const off = { type: 'set', texts: { 'encrypt.format': null } } as const;
    problems.push({
      spot: { option: encrypting.option },
      message: 'This page cannot encrypt.',
      why: 'It came over a connection that is not secure, so the browser gives it no keys.',
      fixes: encrypting.option === 'key-secret' ? [] : [{ label: 'Make the disk without it', action: off }],
    });
  } else if (encrypting?.kind === 'luks' && empty) {
    problems.push({ spot: { option: encrypting.option }, message: 'The disk needs a passphrase.', fixes: [] });
  }
  return problems;
}

interface Props {
  readonly encrypting: Encrypting | undefined;
  readonly passphrase: Passphrase;
}

export function PassphrasePart({ encrypting, passphrase }: Props) {
  if (!encrypting) return null;
  if (encrypting.kind === 'aes') {
    return (
      <p className="help" data-option={encrypting.option}>
        The file keeps nothing of a passphrase: the one that QEMU is given at the first start is the key from then on,
        and nothing ever tells a wrong one. For a new disk choose luks.
      </p>
    );
  }
  return (
    <PassphraseField
      id={fieldId(encrypting.option)}
      option={encrypting.option}
      label="Passphrase"
      value={passphrase.text}
      fresh
      disabled={passphrase.unavailable !== undefined}
      help="Lost, nobody can read the disk any more. It stays on this device and is in no link, recipe or command."
      onChange={passphrase.set}
    />
  );
}
