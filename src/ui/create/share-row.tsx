/** Below the button: the form as a link and as a recipe file, and a recipe file as the form. */
import { useEffect, useRef, useState } from 'react';
import { isReproducible, printRecipe, type Recipe, withoutSecrets } from '../../recipes/recipe.ts';

interface Props {
  readonly recipe: Recipe;
  /** The address behind `#`. */
  readonly link: string;
  readonly onLoad: (file: File) => void;
}

/** `disk.qcow2` → `disk.recipe.json`. */
const recipeName = (file: string | undefined): string =>
  `${(file ?? '').replace(/^.*[/\\]/, '').replace(/\.[^.]*$/, '') || 'disk'}.recipe.json`;

function download(text: string, name: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const anchor = document.createElement('a');
  anchor.href = address;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

export function ShareRow({ recipe, link, onLoad }: Props) {
  const [said, setSaid] = useState('');
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => setSaid(''), 4000);
    return () => clearTimeout(timer);
  }, [said]);

  const secrets = (recipe.flags?.length ?? 0) > (withoutSecrets(recipe).flags?.length ?? 0);
  const without = secrets ? ' The secret on the command line is not in it.' : '';

  const same = isReproducible(recipe)
    ? 'Same recipe, same bytes, same SHA-256.'
    : 'Same recipe, same layout; the keys are random each time.';

  async function copy() {
    try {
      await navigator.clipboard.writeText(`${location.origin}${location.pathname}${link}`);
      setSaid(`Link copied.${without}`);
    } catch {
      setSaid('The browser does not let this page copy. The link is the address of the page itself.');
    }
  }

  function save() {
    const name = recipeName(recipe.file);
    download(printRecipe(recipe), name);
    setSaid(`${name} saved.${without}`);
  }

  return (
    <div className="share">
      <p role="status">{said || same}</p>
      <div className="share__ways">
        <button className="linkbtn" type="button" onClick={copy}>
          Copy link
        </button>
        <button className="linkbtn" type="button" onClick={save}>
          Save recipe
        </button>
        <button className="linkbtn" type="button" onClick={() => input.current?.click()}>
          Load recipe
        </button>
        <input
          ref={input}
          type="file"
          accept=".json,application/json"
          hidden
          aria-label="Recipe file"
          onChange={(event) => {
            const file = event.target.files?.[0];
            // The same file may be chosen again after it changed.
            event.target.value = '';
            if (file) onLoad(file);
          }}
        />
      </div>
    </div>
  );
}
