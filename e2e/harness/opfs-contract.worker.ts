/** Runs the shared device contract over OPFS. Devices are opened beforehand: the contract is synchronous. */
import { OpfsDevice } from '../../src/platform/browser/opfs-device.ts';
import { deviceChecks } from '../../src/testing/device-contract.ts';

declare const self: DedicatedWorkerGlobalScope;

/** More than any single check makes. */
const SPARE = 12;

async function runCheck(run: (subject: { make(): OpfsDevice }) => void): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle('contract', { create: true });
  const handles: FileSystemSyncAccessHandle[] = [];
  for (let i = 0; i < SPARE; i++) {
    handles.push(await (await folder.getFileHandle(`${i}`, { create: true })).createSyncAccessHandle());
  }
  try {
    const unused = [...handles];
    run({
      make() {
        const handle = unused.pop();
        if (!handle) throw new Error(`a check makes more than ${SPARE} devices`);
        return new OpfsDevice(handle);
      },
    });
  } finally {
    for (const handle of handles) handle.close();
    await root.removeEntry('contract', { recursive: true });
  }
}

const results: string[] = [];
for (const seed of [1, 2, 3]) {
  for (const check of deviceChecks(seed)) {
    try {
      await runCheck((subject) => check.run(subject));
      results.push(`ok ${check.name}`);
    } catch (error) {
      results.push(`FAILED ${check.name}: ${error}`);
    }
  }
}
self.postMessage(results);
