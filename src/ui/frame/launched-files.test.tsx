import { render, waitFor } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { useLaunchedFiles } from './launched-files.ts';

type Consumer = (launch: { readonly files: readonly { getFile(): Promise<File> }[] }) => void;

function Page({ onFiles }: { readonly onFiles: (files: readonly File[]) => void }) {
  useLaunchedFiles(onFiles);
  return null;
}

afterEach(() => {
  Reflect.deleteProperty(window, 'launchQueue');
});

test('files that the system opens are opened, one that is gone is left out', async () => {
  let consumer: Consumer | undefined;
  Object.assign(window, {
    launchQueue: {
      setConsumer(given: Consumer) {
        consumer = given;
      },
    },
  });
  const onFiles = vi.fn();
  render(<Page onFiles={onFiles} />);
  consumer?.({ files: [] });
  const disk = new File(['x'], 'disk.qcow2');
  consumer?.({ files: [{ getFile: async () => disk }, { getFile: () => Promise.reject(new Error('gone')) }] });
  await waitFor(() => expect(onFiles).toHaveBeenCalledTimes(1));
  expect(onFiles).toHaveBeenCalledWith([disk]);
});

test('a browser without such a queue has nothing to say', () => {
  expect(() => render(<Page onFiles={() => {}} />)).not.toThrow();
});
