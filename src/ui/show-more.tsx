/** The button under the first items of a long list. */
export function ShowMore({ rest, onMore }: { readonly rest: number; readonly onMore: () => void }) {
  if (rest === 0) return null;
  return (
    <button className="btn btn--sm" type="button" onClick={onMore}>
      Show more of the other {rest.toLocaleString('en')}
    </button>
  );
}
