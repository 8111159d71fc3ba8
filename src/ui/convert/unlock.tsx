/** An encrypted image of the chain: its passphrase, asked for before anything is read. */
import { type FormEvent, useId, useState } from 'react';
import type { LockedImage } from '../../worker/open/protocol.ts';
import { PassphraseField } from '../fields/passphrase-field.tsx';

interface Props {
  readonly locked: LockedImage;
  readonly onUnlock: (passphrase: Uint8Array) => void;
}

const KINDS: Readonly<Record<LockedImage['kind'], string>> = {
  luks: 'LUKS',
  aes: "qcow2's old AES encryption",
};

export function Unlock({ locked, onUnlock }: Props) {
  const id = useId();
  const [value, setValue] = useState('');
  const [tried, setTried] = useState('');

  function submit(event: FormEvent) {
    event.preventDefault();
    if (value === '') return;
    setTried(value);
    onUnlock(new TextEncoder().encode(value));
  }

  return (
    <form className="unlock" aria-label={`Unlock ${locked.name}`} onSubmit={submit}>
      <PassphraseField
        id={`${id}-passphrase`}
        option={`passphrase-${locked.name}`}
        label="Passphrase"
        value={value}
        fresh={false}
        help={`${locked.name} is encrypted with ${KINDS[locked.kind]}. The passphrase stays on this device.`}
        problem={locked.wrong && value === tried ? 'This passphrase does not open it.' : undefined}
        onChange={setValue}
      />
      <button className="btn" type="submit" disabled={value === ''}>
        Unlock
      </button>
    </form>
  );
}
