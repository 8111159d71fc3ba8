/**
 * Cache modes (`-t`, `-T`) of qemu-img's lines. The result is the same with each of them, so all are taken; that a
 * script cannot go around the host's cache is said, not hidden.
 */
import { type Io, UsageError, warn } from './io.ts';

const THROUGH_CACHE = ['writeback', 'writethrough', 'unsafe'];
const AROUND_CACHE = ['none', 'off', 'directsync'];

export const cacheFlag = {
  cache: { short: 't', value: 'mode', help: 'Cache mode; the result is the same with each' },
} as const;

export const sourceCacheFlag = {
  sourceCache: { short: 'T', value: 'mode', help: 'Cache mode for reading; the result is the same with each' },
} as const;

/** Looks at the modes of a line that was read: unknown ones are refused, one warning for what cannot be done. */
export function checkCacheModes(
  line: { readonly given: readonly { readonly name: string; readonly value: string }[] },
  command: string,
  io: Io,
): void {
  for (const { name, value } of line.given) {
    if (name !== 'cache' && name !== 'sourceCache') continue;
    const flag = name === 'cache' ? '-t' : '-T';
    if (AROUND_CACHE.includes(value)) warn(io, `${flag} ${value}: the host's cache cannot be gone around from here`);
    else if (!THROUGH_CACHE.includes(value)) {
      const modes = [...THROUGH_CACHE, ...AROUND_CACHE].join(', ');
      throw new UsageError(`${flag} is one of ${modes}, not "${value}"`, command);
    }
  }
}
