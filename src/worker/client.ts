/**
 * The page's door to the engine. Forecasts have a worker of their own: each keystroke asks for one, only the
 * newest counts, and one that takes long must delay neither the next nor a save.
 */
import { detectCapabilities, readSwitches } from '../platform/browser/deliver/capabilities.ts';
import { type Capabilities, chooseSink } from '../platform/browser/deliver/choose.ts';
import { Lane } from './client-lane.ts';
import { NewestOnly } from './client-newest.ts';
import { saveThrough } from './client-saving.ts';
import { openTargets } from './client-targets.ts';
import type { Converter } from './convert/protocol.ts';
import type { EngineClient, Inspector, SaveProgress } from './engine-client.ts';
import type { JobEvent } from './protocol.ts';

export function createEngineClient(): EngineClient {
  const switches = readSwitches(location.search);
  const forecasts = new Lane();
  const jobs = new Lane();
  const newest = new NewestOnly(forecasts);
  let inspector: Promise<Inspector> | undefined;
  let converter: Promise<Converter> | undefined;
  let can: Capabilities = detectCapabilities(false, switches);
  jobs.ask({ name: 'abilities' }).then(
    ({ opfs }) => {
      can = detectCapabilities(opfs, switches);
    },
    // Then there is no staging; every other call tells what is wrong.
    () => {},
  );

  return {
    forecast: (order, signal) => newest.ask({ name: 'forecast', order }, signal),
    identify: (file) => jobs.ask({ name: 'identify', file }),
    chooseSink: (file) => chooseSink(file, can),

    async save(order, onProgress, signal) {
      const files = await jobs.ask({ name: 'plan', order }, { signal });
      const opened = await openTargets(order, files, can, switches.pingInterval);
      return await saveThrough(opened, { signal, onProgress }, (targets, detail) =>
        jobs.ask({ name: 'save', order, targets }, detail),
      );
    },

    inspector() {
      inspector ??= import('./open/inspector.ts').then(({ createInspector }) =>
        createInspector({ capabilities: () => can, pingInterval: switches.pingInterval }),
      );
      return inspector;
    },

    converter() {
      converter ??= import('./convert/converter.ts').then(({ createConverter }) =>
        createConverter({ capabilities: () => can, pingInterval: switches.pingInterval }),
      );
      return converter;
    },

    digest: (order, role, onProgress, signal) =>
      jobs.ask({ name: 'digest', order, role }, { signal, onEvent: progressOnly(onProgress) }),
  };
}

const progressOnly = (onProgress: (progress: SaveProgress) => void) => (event: JobEvent) => {
  if (event.kind === 'progress') onProgress(event.progress);
};
