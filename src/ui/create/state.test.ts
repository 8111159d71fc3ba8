import { expect, test } from 'vitest';
import { type FormAction, initialState, reduce } from './state.ts';

const after = (...actions: FormAction[]) => actions.reduce(reduce, initialState);
const set = (texts: Record<string, string | null>): FormAction => ({ type: 'set', texts });
const format = (name: string): FormAction => ({ type: 'format', format: name });

test('what repeats a default is not kept', () => {
  expect(after(set({ cluster_size: '1M' }), set({ cluster_size: '64K' })).line.texts).toEqual({ size: '32G' });
  expect(after(set({ lazy_refcounts: 'on' }), set({ lazy_refcounts: 'off' })).line.texts).toEqual({ size: '32G' });
});

test('the ending follows the format until it is another one', () => {
  expect(after(format('raw')).line.name).toBe('disk.img');
  expect(after({ type: 'name', name: 'web.qcow2' }, format('raw'), format('qcow2')).line.name).toBe('web.qcow2');
  expect(after({ type: 'name', name: 'web.disk' }, format('raw')).line.name).toBe('web.disk');
});

test('another format keeps what it knows and brings the rest back later', () => {
  const raw = after(set({ compat: '0.10', preallocation: 'full', size: '8G' }), format('raw'));
  expect(raw.line.texts).toEqual({ preallocation: 'full', size: '8G' });
  expect(reduce(raw, format('qcow2')).line.texts).toEqual({ compat: '0.10', preallocation: 'full', size: '8G' });
});

test('a choice that the other format lacks waits too', () => {
  const raw = after(set({ preallocation: 'metadata' }), format('raw'));
  expect(raw.line.texts).toEqual({ size: '32G' });
  expect(reduce(raw, format('qcow2')).line.texts).toEqual({ preallocation: 'metadata', size: '32G' });
});

test('what was set again in the other format wins over what waited', () => {
  const back = after(
    set({ preallocation: 'metadata' }),
    format('raw'),
    set({ preallocation: 'full' }),
    format('qcow2'),
  );
  expect(back.line.texts['preallocation']).toBe('full');
});

test('an option that nobody knows stays in sight', () => {
  expect(after(set({ foo: 'bar' }), format('raw')).line.texts['foo']).toBe('bar');
});
