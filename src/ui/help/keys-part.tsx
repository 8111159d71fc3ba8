/** The sheet of keys. */
const MAC = /Mac|iP(hone|ad)/.test(globalThis.navigator?.platform ?? '');
const CTRL = MAC ? '⌘' : 'Ctrl';

const KEYS: readonly { readonly where: string; readonly keys: readonly (readonly [keys: string, does: string])[] }[] = [
  {
    where: 'Anywhere',
    keys: [
      ['?', 'This sheet'],
      ['Esc', 'Close what is open; cancel what runs. Nothing half-made is left'],
      [`${CTRL} V`, 'With a copied file: look inside it'],
    ],
  },
  {
    where: 'Create',
    keys: [
      [`${CTRL} Enter`, 'Build and save, or go to the first problem'],
      [`${CTRL} Z`, 'Undo a change of the form'],
      [MAC ? '⇧ ⌘ Z' : 'Ctrl Shift Z', 'Redo it'],
      ['← →', 'On the cluster size: one step smaller, one larger'],
      ['Enter', 'On the command line: its shortest spelling'],
    ],
  },
  {
    where: 'Convert',
    keys: [[`${CTRL} Enter`, 'Convert what is in the queue']],
  },
  {
    where: 'Open',
    keys: [
      ['← → ↑ ↓', 'On the cluster map: the next cluster, the next row'],
      ['Home End', 'On the cluster map: the first cluster, the last'],
      ['+ −', 'On the cluster map: nearer, farther'],
      ['PgUp PgDn', 'In the bytes and on the map: a page up, a page down'],
    ],
  },
];

export function KeysPart() {
  return KEYS.map(({ where, keys }) => (
    <section key={where} aria-label={where}>
      <h3>{where}</h3>
      <dl className="keys">
        {keys.map(([key, does]) => (
          <div key={key}>
            <dt>
              {key.split(' ').map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </section>
  ));
}
