/** What a LUKS header says, by QEMU's names and in the order in which it prints them. */
import { parseCipher } from '../crypto/cipher-spec.ts';
import type { LuksHeader } from '../crypto/luks/header.ts';
import type { Facts } from './description.ts';

/** `extra`: what an image around it has to say among them. */
export function luksFacts(header: LuksHeader, extra: Facts = {}): Facts {
  const { algorithm, mode, ivgen, ivgenHash } = parseCipher(header);
  return {
    'ivgen-alg': ivgen,
    'hash-alg': header.hash,
    'cipher-alg': algorithm,
    uuid: header.uuid,
    ...(ivgen === 'essiv' && ivgenHash !== undefined ? { 'ivgen-hash-alg': ivgenHash } : {}),
    ...extra,
    'cipher-mode': mode,
    slots: header.slots.map(({ active, iterations, keyOffset, stripes }) =>
      active ? { active, iters: iterations, 'key-offset': keyOffset, stripes } : { active, 'key-offset': keyOffset },
    ),
    'payload-offset': header.payloadOffset,
    'master-key-iters': header.digestIterations,
  };
}
