import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { presets } from '../../recipes/presets.ts';
import { formOfRecipe, linkOf, presetOf, recipeOfForm } from './form-recipe.ts';
import { beginHistory, changedFields, type FormHistory, turn } from './history.ts';
import { type FormAction, initialState } from './state.ts';

const at = (history: FormHistory, action: FormAction, time: number): FormHistory =>
  turn(history, { type: 'do', action, at: time });

const size = (text: string): FormAction => ({ type: 'set', texts: { size: text } });
const start = beginHistory(initialState);

describe('undo', () => {
  test('typing in one field is one step, a pause or another field begins a new one', () => {
    let history = at(start, { type: 'name', name: 'a' }, 0);
    history = at(history, { type: 'name', name: 'ab' }, 300);
    history = at(history, { type: 'name', name: 'abc' }, 5000);
    history = at(history, size('1G'), 5100);
    expect(history.past.length).toBe(3);
    expect(turn(history, { type: 'undo' }).present.line).toMatchObject({ name: 'abc', texts: { size: '32G' } });
  });

  test('what changes nothing is no step', () => {
    expect(at(start, size('32G'), 0).past).toEqual([]);
    expect(at(start, { type: 'set', texts: { compat: 'v3' } }, 0).past).toEqual([]);
  });

  test('a new change ends what could be done again', () => {
    const undone = turn(at(start, size('1G'), 0), { type: 'undo' });
    expect(turn(undone, { type: 'redo' }).present.line.texts['size']).toBe('1G');
    expect(turn(at(undone, size('2G'), 1), { type: 'redo' }).present.line.texts['size']).toBe('2G');
  });

  test('says what it changes', () => {
    const [before, after] = [
      initialState,
      formOfRecipe({ format: 'raw', file: 'a', options: { size: '1G', foo: '1' }, gzip: true }),
    ];
    expect(changedFields(before, after)).toEqual(['Name', 'Format', 'Size', 'foo', 'Save as .gz']);
  });
});

const anyAction: fc.Arbitrary<FormAction> = fc.oneof(
  fc.constantFrom('1G', '2G', '512').map(size),
  fc.constantFrom('a.qcow2', 'b.img').map((name): FormAction => ({ type: 'name', name })),
  fc.constantFrom('raw', 'qcow2').map((format): FormAction => ({ type: 'format', format })),
  fc.boolean().map((on): FormAction => ({ type: 'gzip', on })),
  fc.constantFrom(...presets).map(({ recipe }): FormAction => ({ type: 'whole', state: formOfRecipe(recipe) })),
);

test('as many undos as steps lead back to the start, as many redos to the end', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyAction, fc.nat(2000)), { maxLength: 20 }), (steps) => {
      let time = 0;
      let history = start;
      for (const [action, pause] of steps) {
        time += pause;
        history = at(history, action, time);
      }
      const count = history.past.length;
      const end = history.present;
      for (let i = 0; i < count; i++) history = turn(history, { type: 'undo' });
      expect(history.present).toBe(initialState);
      for (let i = 0; i < count; i++) history = turn(history, { type: 'redo' });
      expect(history.present).toBe(end);
      expect(linkOf(formOfRecipe(recipeOfForm(end)))).toBe(linkOf(end));
    }),
  );
});

test('the form starts as the first preset, and knows each of them', () => {
  expect(presetOf(initialState)).toBe(presets[0]);
  for (const preset of presets) expect(presetOf(formOfRecipe(preset.recipe))).toBe(preset);
  expect(presetOf(at(start, size('1G'), 0).present)).toBeUndefined();
});
