/** Above the form: the presets, each with its reason, undo and redo, and what is to be said of a loaded recipe. */
import { presets } from '../../recipes/presets.ts';
import { unknownKeys } from '../../recipes/recipe.ts';
import { CheckIcon, RedoIcon, TurnIcon, UndoIcon, WarningIcon } from '../icons.tsx';
import { ProblemStrip } from '../problem.tsx';
import { formOfRecipe, presetOf, recipeOfForm } from './form-recipe.ts';
import type { Form } from './use-form.ts';

const UNDO_KEY = /Mac|iP(hone|ad)/.test(globalThis.navigator?.platform ?? '') ? '⌘ Z' : 'Ctrl Z';
const REDO_KEY = UNDO_KEY.startsWith('⌘') ? '⇧ ⌘ Z' : 'Ctrl Shift Z';

function UndoButtons({ undo, redo }: Pick<Form, 'undo' | 'redo'>) {
  return (
    <div className="start__undo">
      <button
        className="iconbtn"
        type="button"
        aria-label="Undo"
        title={`Undo (${UNDO_KEY})`}
        aria-keyshortcuts="Control+Z Meta+Z"
        aria-disabled={undo === undefined}
        onClick={undo}
      >
        <UndoIcon />
      </button>
      <button
        className="iconbtn"
        type="button"
        aria-label="Redo"
        title={`Redo (${REDO_KEY})`}
        aria-keyshortcuts="Control+Shift+Z Meta+Shift+Z"
        aria-disabled={redo === undefined}
        onClick={redo}
      >
        <RedoIcon />
      </button>
    </div>
  );
}

interface Props {
  readonly form: Form;
  /** What became of the last file or link, if that must be said. */
  readonly notice: { readonly bad: boolean; readonly strong: string; readonly rest: string } | undefined;
}

export function StartFrom({ form, notice }: Props) {
  const { state, replace, dispatch, undo, redo, said } = form;
  const preset = presetOf(state);
  const { title } = state.rest;
  const shown = typeof title === 'string' && title !== '' ? title : (preset?.name ?? 'Your own choices');
  return (
    <div className="start">
      <div className="start__row">
        <details className="fold start__fold">
          <summary>
            <TurnIcon />
            <span className="fold__title">Start from</span>
            <span className="fold__summary">{shown}</span>
          </summary>
          <ul className="presets">
            {presets.map((one) => (
              <li key={one.name}>
                <button
                  className="preset"
                  type="button"
                  aria-pressed={one === preset}
                  onClick={() => replace(formOfRecipe(one.recipe))}
                >
                  <b>{one.name}</b>
                  <span>{one.reason}</span>
                </button>
              </li>
            ))}
          </ul>
        </details>
        <UndoButtons undo={undo} redo={redo} />
      </div>
      {notice && (
        <div className={notice.bad ? 'problem problem--bad' : 'problem problem--plain'} role="status">
          {notice.bad ? <WarningIcon /> : <CheckIcon />}
          <div className="problem__body">
            <p>
              <b>{notice.strong}</b> {notice.rest}
            </p>
          </div>
        </div>
      )}
      {unknownKeys(recipeOfForm(state)).map((key) => (
        <ProblemStrip
          key={key}
          mild
          problem={{
            spot: 'command',
            message: `The recipe says "${key}", which is not known here.`,
            why: 'It changes nothing in the image and is kept when you save the recipe.',
            fixes: [{ label: `Remove ${key}`, action: { type: 'drop-key', key } }],
          }}
          onFix={dispatch}
        />
      ))}
      <p className="sr" role="status">
        {said}
      </p>
    </div>
  );
}
