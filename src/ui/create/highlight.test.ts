import { expect, test } from 'vitest';
import { highlight } from './highlight.ts';

const tones = (source: string, ...marked: string[]) =>
  highlight(source, new Set(marked))
    .filter(({ text }) => text.trim() !== '')
    .map(({ tone, text }) => `${tone}:${text}`);

test('the words of the tool are dim, the size is strong', () => {
  expect(tones('qemu-img create -f qcow2 disk.qcow2 32G')).toEqual([
    'dim:qemu-img',
    'dim:create',
    'dim:-f',
    'plain:qcow2',
    'plain:disk.qcow2',
    'strong:32G',
  ]);
});

test('an option with a problem is marked inside its list, commas in values left alone', () => {
  expect(tones('qemu-img create -o a=x,,y,nocow=on,b=1 x 1G', 'nocow').slice(3, 8)).toEqual([
    'plain:a=x,,y',
    'plain:,',
    'marked:nocow=on',
    'plain:,',
    'plain:b=1',
  ]);
});

test('nothing of the source is lost or moved', () => {
  for (const source of ['', '  a  b ', "qemu-img create -o 'x=1,y=2' 'a b' \\\n 3G", "qemu-img 'open"]) {
    expect(
      highlight(source, new Set(['x']))
        .map(({ text }) => text)
        .join(''),
    ).toBe(source);
  }
});
