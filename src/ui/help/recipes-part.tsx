/** What a recipe is, and the ways it travels. */
export function RecipesPart() {
  return (
    <>
      <p>
        Everything that the form holds is a recipe: format, name, size, options. The same recipe gives the same file,
        byte for byte, on any machine, in the page and on the command line, so its digests are the same, too. Encrypted
        images are the exception: their salts are random.
      </p>
      <ul>
        <li>
          <b>A link</b>: the address of this page follows the form. Reload it, keep it as a bookmark, send it on. It
          holds no passphrase, and nothing behind the # is ever sent to a server.
        </li>
        <li>
          <b>A file</b>: a small JSON file for your repository. Save it here, drop it on the page to load it, or build
          from it where there is no browser.
        </li>
        <li>
          <b>A proof</b>: who has the recipe can check that a file is what it says.
        </li>
      </ul>
      <pre className="help-dialog__shell">
        {'diskwright create --recipe disk.recipe.json\ndiskwright verify disk.qcow2 --recipe disk.recipe.json'}
      </pre>
      <p>
        What a recipe says and this page does not know is named above the form, changes nothing, and is kept when you
        save the recipe again. What a recipe may say is written down in{' '}
        <a href="./recipe.schema.json">recipe.schema.json</a>.
      </p>
    </>
  );
}
