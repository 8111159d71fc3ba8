/** The passphrase of the new images, beside the options of their encryption. */
import { PassphraseField } from '../fields/passphrase-field.tsx';

interface Props {
  readonly value: string;
  readonly onChange: (value: string) => void;
}

export function NewPassphrase({ value, onChange }: Props) {
  return (
    <PassphraseField
      id="convert-passphrase"
      option="passphrase"
      label="Passphrase"
      value={value}
      fresh
      help="Of the new image. Lost, nobody can read it any more. It stays on this device and is in no command."
      onChange={onChange}
    />
  );
}
