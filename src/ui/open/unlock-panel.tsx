/** An encrypted image: how it is encrypted, and its passphrase to look at the disk. Tables can be looked at without. */
import { type FormEvent, useId, useState } from 'react';
import type { LockedImage, OpenOrder } from '../../worker/open/protocol.ts';
import { PassphraseField } from '../fields/passphrase-field.tsx';

/** The same files, one with a passphrase. */
export const unlocked = (order: OpenOrder, name: string, passphrase: Uint8Array): OpenOrder => ({
  id: `${order.id}*`,
  files: order.files.map((one) => (one.file.name === name ? { ...one, passphrase } : one)),
});

/** For a place of its own: what is forgotten here stays there. */
export const handedOver = (order: OpenOrder): OpenOrder => ({
  ...order,
  files: order.files.map(({ passphrase, ...one }) =>
    passphrase ? { ...one, passphrase: Uint8Array.from(passphrase) } : one,
  ),
});

export function forgetPassphrases({ files }: OpenOrder): void {
  for (const { passphrase } of files) passphrase?.fill(0);
}

interface Props {
  readonly locked: LockedImage;
  readonly onUnlock: (passphrase: Uint8Array) => void;
}

export function UnlockPanel({ locked: { name, kind, wrong }, onUnlock }: Props) {
  const id = useId();
  const [value, setValue] = useState('');

  function submit(event: FormEvent) {
    event.preventDefault();
    if (value !== '') onUnlock(new TextEncoder().encode(value));
  }

  const help =
    kind === 'luks'
      ? 'Size, snapshots and where data lies are readable without it. It stays on this device.'
      : 'The old AES cannot tell a wrong passphrase: then the disk reads as noise. It stays on this device.';
  return (
    <section className="panel" aria-labelledby={`${id}-title`}>
      <div className="panel__head">
        <h2 id={`${id}-title`}>Encrypted</h2>
        <p>{kind === 'luks' ? 'LUKS' : 'the old AES of QEMU'}</p>
      </div>
      <form className="unlock unlock--panel" onSubmit={submit}>
        <PassphraseField
          id={`${id}-passphrase`}
          label="Passphrase"
          value={value}
          fresh={false}
          problem={wrong && value === '' ? `This passphrase does not open ${name}.` : undefined}
          help={help}
          onChange={setValue}
        />
        <button className="btn" type="submit" disabled={value === ''}>
          Look at the disk
        </button>
      </form>
    </section>
  );
}
