/** The finished page, loaded when a build begins: the form need not wait for it. */
import { type ComponentProps, lazy, Suspense, useEffect } from 'react';
import type { FinishedPage } from './finished-page.tsx';

type Props = ComponentProps<typeof FinishedPage>;

/** Where the rest cannot be fetched (gone offline since): the image is saved all the same. */
function Plainly({ order, onAnother }: Props) {
  return (
    <div className="done">
      <div className="done__head">
        <div>
          <h1>{order.fileName} is saved</h1>
          <p>Its digests and the next steps could not be loaded: this device is offline.</p>
        </div>
      </div>
      <div className="next">
        <button className="btn" type="button" onClick={onAnother}>
          Build another
        </button>
      </div>
    </div>
  );
}

let wanted: Promise<{ default: (props: Props) => React.ReactNode }> | undefined;

function load() {
  wanted ??= import('./finished-page.tsx').then(
    (module) => ({ default: module.FinishedPage }),
    () => ({ default: Plainly }),
  );
  return wanted;
}

const Later = lazy(load);

export function FinishedLater(props: Props) {
  return (
    <Suspense fallback={<p className="done" role="status">{`${props.order.fileName} is saved`}</p>}>
      <Later {...props} />
    </Suspense>
  );
}

/** Fetches it while the image is built. */
export function usePreparedFinish(building: boolean): void {
  useEffect(() => {
    if (building) void load();
  }, [building]);
}
