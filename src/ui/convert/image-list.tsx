/** The images that are to be converted, and the way to add others. */
import type { SuppliedFile } from '../../worker/open/protocol.ts';
import { PlusIcon } from '../icons.tsx';
import { Chooser } from '../open/chooser.tsx';
import { ImageCard } from './image-card.tsx';
import type { Row } from './plan.ts';
import type { Images } from './use-images.ts';

interface Props {
  readonly rows: readonly Row[];
  readonly images: Images;
  readonly onFiles: (files: readonly SuppliedFile[]) => void;
}

export function ImageList({ rows, images, onFiles }: Props) {
  const { add, unlock, set, remove } = images;
  return (
    <section aria-labelledby="convert-images">
      <div className="list__head">
        <h2 id="convert-images">{rows.length === 1 ? 'Image' : `${rows.length} images`}</h2>
        <Chooser
          label={
            <>
              <PlusIcon />
              Add images
            </>
          }
          name="Images to convert"
          className="btn btn--sm"
          multiple
          onFiles={(files) => onFiles(files.map((file) => ({ file })))}
        />
      </div>
      <ul className="sources">
        {rows.map(({ image, report, name, nameTrouble }) => (
          <ImageCard
            key={image.id}
            image={image}
            fileName={name}
            nameTrouble={nameTrouble}
            usable={report !== undefined}
            onAdd={(files, as) =>
              add(
                image,
                files.map((file) => ({ file, as })),
              )
            }
            onUnlock={(locked, passphrase) => unlock(image, locked, passphrase)}
            onName={(typed) => set(image.id, { name: typed })}
            onSnapshot={(snapshot) => set(image.id, { snapshot })}
            onRemove={() => remove([image.id])}
          />
        ))}
      </ul>
    </section>
  );
}
