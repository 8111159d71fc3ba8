/** The images that are to be converted: which files each has, what they are, and what was chosen for each. */
import { useCallback, useReducer, useRef } from 'react';
import type { EngineClient, SaveProgress } from '../../worker/engine-client.ts';
import type { OpenOrder, OpenReport, SuppliedFile } from '../../worker/open/protocol.ts';
import { groupsOf, means, type Named } from './grouping.ts';

export type Look =
  | { readonly state: 'looking'; readonly progress: SaveProgress | undefined }
  | { readonly state: 'known'; readonly report: OpenReport }
  | { readonly state: 'failed'; readonly why: string };

export interface Image {
  readonly id: string;
  /** Another id of the order: other files. */
  readonly order: OpenOrder;
  readonly look: Look;
  /** Name of the new file, where somebody typed it. */
  readonly name: string | undefined;
  /** Id of the snapshot that is converted; undefined: the disk as it is. */
  readonly snapshot: string | undefined;
}

type Action =
  | { readonly type: 'put'; readonly image: Image }
  | { readonly type: 'set'; readonly id: string; readonly change: Partial<Image> }
  | { readonly type: 'look'; readonly order: string; readonly look: Look }
  | { readonly type: 'rename'; readonly rename: (name: string) => string }
  | { readonly type: 'remove'; readonly ids: readonly string[] };

function reduce(images: readonly Image[], action: Action): readonly Image[] {
  switch (action.type) {
    case 'put':
      return [...images.filter(({ id }) => id !== action.image.id), action.image];
    case 'set':
      return images.map((image) => (image.id === action.id ? { ...image, ...action.change } : image));
    case 'look':
      return images.map((image) => (image.order.id === action.order ? { ...image, look: action.look } : image));
    case 'rename':
      return images.map((image) => (image.name === undefined ? image : { ...image, name: action.rename(image.name) }));
    case 'remove':
      return images.filter(({ id }) => !action.ids.includes(id));
  }
}

let count = 0;
const freshId = (): string => `convert-${++count}-${performance.now()}`;

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Unpacked to be looked at, which takes long: such a file is taken for an image that names no other. */
const isPacked = ({ file }: SuppliedFile): boolean => /\.gz$/i.test(file.name);

export interface Images {
  readonly images: readonly Image[];
  /** Files in any mixture. */
  readonly take: (files: readonly SuppliedFile[]) => void;
  /** More files for one image; `as`: the one that it calls so. */
  readonly add: (image: Image, files: readonly SuppliedFile[]) => void;
  /** Tries a passphrase on one of its files. */
  readonly unlock: (image: Image, name: string, passphrase: Uint8Array) => void;
  readonly set: (id: string, change: Partial<Pick<Image, 'name' | 'snapshot'>>) => void;
  readonly rename: (rename: (name: string) => string) => void;
  readonly remove: (ids: readonly string[]) => void;
  /** Back in the list, as it was. */
  readonly putBack: (image: Image) => void;
}

export function useImages(client: EngineClient): Images {
  const [images, dispatch] = useReducer(reduce, []);
  const latest = useRef(images);
  latest.current = images;

  const look = useCallback(
    async (order: OpenOrder) => {
      const tell = (next: Look) => dispatch({ type: 'look', order: order.id, look: next });
      try {
        const inspector = await client.inspector();
        const onProgress = (progress: SaveProgress) => tell({ state: 'looking', progress });
        tell({ state: 'known', report: await inspector.ask(order, { kind: 'open' }, { onProgress }) });
      } catch (error) {
        tell({ state: 'failed', why: wordsOf(error) });
      }
    },
    [client],
  );

  const put = useCallback(
    (files: readonly SuppliedFile[]) => {
      const order = { id: freshId(), files };
      const image = { id: freshId(), order, look: { state: 'looking', progress: undefined } as const };
      dispatch({ type: 'put', image: { ...image, name: undefined, snapshot: undefined } });
      return look(order);
    },
    [look],
  );

  /** Looks at it again, with other files. */
  const replace = useCallback(
    (image: Image, files: readonly SuppliedFile[]) => {
      const order = { id: freshId(), files };
      dispatch({ type: 'set', id: image.id, change: { order, look: { state: 'looking', progress: undefined } } });
      return look(order);
    },
    [look],
  );
  const add = useCallback(
    (image: Image, files: readonly SuppliedFile[]) => replace(image, [...image.order.files, ...files]),
    [replace],
  );
  const unlock = useCallback(
    (image: Image, name: string, passphrase: Uint8Array) => {
      const { files } = image.order;
      const open = files.map((one) =>
        files.length === 1 || one.file.name === name || one.as === name ? { ...one, passphrase } : one,
      );
      return replace(image, open);
    },
    [replace],
  );

  /** Names that a file has for others: what is missing when it is opened alone. */
  const namesIn = useCallback(
    async (supplied: SuppliedFile): Promise<Named> => {
      if (isPacked(supplied)) return { supplied, names: [] };
      try {
        const inspector = await client.inspector();
        const { missing } = await inspector.ask({ id: freshId(), files: [supplied] }, { kind: 'open' });
        return { supplied, names: missing.map(({ name }) => name) };
      } catch {
        // It is told when the image is looked at.
        return { supplied, names: [] };
      }
    },
    [client],
  );

  const take = useCallback(
    async (files: readonly SuppliedFile[]) => {
      // Somebody said already which file is which.
      if (files.some(({ as }) => as !== undefined)) return put(files);
      const named: Named[] = [];
      if (files.length === 1) named.push(...files.map((supplied) => ({ supplied, names: [] })));
      else for (const supplied of files) named.push(await namesIn(supplied));
      const rest: Named[] = [];
      for (const one of named) {
        const wanting = latest.current.filter(
          ({ look: { state, ...known } }) =>
            state === 'known' &&
            (known as { report: OpenReport }).report.missing.some(({ name }) => means(name, one.supplied)),
        );
        if (wanting.length === 0) rest.push(one);
        // What it rests on comes along.
        const along = groupsOf(named).find(([top]) => top === one.supplied) ?? [one.supplied];
        for (const image of wanting) await add(image, along);
      }
      for (const group of groupsOf(rest)) await put(group);
    },
    [put, add, namesIn],
  );

  return {
    images,
    take: useCallback((files) => void take(files), [take]),
    add: useCallback((image, files) => void add(image, files), [add]),
    unlock: useCallback((image, name, passphrase) => void unlock(image, name, passphrase), [unlock]),
    set: useCallback((id, change) => dispatch({ type: 'set', id, change }), []),
    rename: useCallback((rename) => dispatch({ type: 'rename', rename }), []),
    remove: useCallback((ids) => dispatch({ type: 'remove', ids }), []),
    putBack: useCallback((image) => dispatch({ type: 'put', image }), []),
  };
}

/** Of one that can be converted; undefined while something is missing or wrong. */
export function usableReport({ look }: Image): OpenReport | undefined {
  if (look.state !== 'known') return undefined;
  const { problem, diskProblem, wrapping, missing, locked, virtualSize } = look.report;
  const wanting = missing.length + locked.length > 0 || virtualSize === undefined;
  return problem || diskProblem || wrapping || wanting ? undefined : look.report;
}
