/**
 * How single options look beyond what their kind says. Everything here could be left out and the form would
 * still work: it is the only place of the fields that names options.
 */
interface Presentation {
  /** The value that is being decided first: set larger. */
  readonly large?: true;
  /** Sizes offered as chips, as texts. */
  readonly quick?: readonly string[];
  /** A choice that shows what each of its values would cost. */
  readonly costs?: true;
  /** Behind a number. */
  readonly unit?: { readonly one: string; readonly many: string };
  /** Offered while typing. */
  readonly suggestions?: readonly string[];
  /** Typed as bytes: monospaced. */
  readonly mono?: true;
  /** Shown only where it is set: nobody should begin with it. `always`: something else stands in its place. */
  readonly hidden?: 'unset' | 'always';
}

const presentations: Readonly<Record<string, Presentation>> = {
  size: { large: true, quick: ['8G', '20G', '32G', '64G', '128G', '256G'] },
  preallocation: { costs: true },
  encryption: { hidden: 'unset' },
  'encrypt.key-secret': { hidden: 'always' },
  'key-secret': { hidden: 'always' },
  refcount_bits: { unit: { one: 'bit', many: 'bits' } },
  backing_fmt: { mono: true, suggestions: 'qcow2 raw vmdk vdi vhdx vpc qed qcow parallels luks dmg'.split(' ') },
};

export const presentationOf = (qemu: string): Presentation => presentations[qemu] ?? {};
