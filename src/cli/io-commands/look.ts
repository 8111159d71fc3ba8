/** Looking: where the image has data, how long the disk is, what the image is. */

import { roundUp } from '../../engine/bytes/math.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import type { OpenImage } from '../../engine/image/image.ts';
import { humanFacts } from '../human-facts.ts';
import { type IoCommand, sayFailed } from './command.ts';
import { type IoLine, readNumber } from './line.ts';
import { sizeText } from './print.ts';
import type { Session } from './session.ts';

const SECTOR = 512;

/** Whether the image itself has something at `at`, and how far that goes, neighbours joined. */
function allocatedRun(image: OpenImage, at: number, most: number): { allocated: boolean; length: number } {
  const first = image.locate(at, most);
  const allocated = first.kind !== 'absent';
  let { length } = first;
  while (length < most) {
    const next = image.locate(at + length, most - length);
    if ((next.kind !== 'absent') !== allocated) break;
    length += next.length;
  }
  return { allocated, length };
}

function map(_line: IoLine, session: Session): boolean {
  const [image] = session.chain;
  try {
    for (let at = 0; at < session.size; ) {
      const { allocated, length } = allocatedRun(image, at, session.size - at);
      const word = allocated ? '    allocated' : 'not allocated';
      const [size, place] = [
        `${sizeText(length)} (0x${length.toString(16)})`,
        `${sizeText(at)} (0x${at.toString(16)})`,
      ];
      session.io.stdout(`${size} bytes ${word} at offset ${place}\n`);
      at += length;
    }
  } catch (thrown) {
    return sayFailed(session, 'map', thrown);
  }
  return true;
}

function alloc({ words }: IoLine, session: Session): boolean {
  const [image] = session.chain;
  const start = readNumber(words[0] ?? '');
  const wanted = words[1] === undefined ? SECTOR : readNumber(words[1]);
  const count = Math.max(0, Math.min(wanted, session.size - start));
  let sum = 0;
  try {
    for (let done = 0; done < count; ) {
      const { allocated, length } = allocatedRun(image, start + done, count - done);
      if (allocated) sum += length;
      done += length;
    }
  } catch (thrown) {
    return sayFailed(session, 'alloc', thrown);
  }
  session.io.stdout(`${sum}/${count} bytes allocated at offset ${sizeText(start)}\n`);
  return true;
}

function info(_line: IoLine, session: Session): boolean {
  const { driver, device, format, writable } = session.opened;
  writable?.flush();
  const description = driver.describe?.(device);
  if (!description) throw new DiskwrightError('unsupported', `what a ${format} image says of itself cannot be told`);
  const { clusterSize = 0, specific } = description;
  const facts = specific?.data;
  // Behind the disk, from the next L2 table on, is the place for the state of a machine.
  const mapped = (clusterSize * clusterSize) / (facts?.['extended-l2'] === true ? 16 : 8);
  const state = format === 'qcow2' ? roundUp(session.size, mapped) : 0;
  session.io.stdout(`format name: ${format}\ncluster size: ${sizeText(clusterSize)}\n`);
  session.io.stdout(`vm state offset: ${sizeText(state)}\n`);
  if (facts) session.io.stdout(`Format specific information:\n${humanFacts(facts, '    ')}`);
  return true;
}

const plain = { letters: '', usage: '', least: 0, most: 0 } as const;

export const lookCommands: readonly IoCommand[] = [
  { ...plain, name: 'map', about: 'tells which stretches the image itself has', run: map },
  {
    ...plain,
    name: 'alloc',
    short: 'a',
    usage: 'offset [length]',
    about: 'tells how much of a stretch the image itself has',
    least: 1,
    most: 2,
    run: alloc,
  },
  {
    ...plain,
    name: 'length',
    short: 'l',
    about: 'tells the size of the disk',
    run(_line, session) {
      session.io.stdout(`${sizeText(session.size)}\n`);
      return true;
    },
  },
  { ...plain, name: 'info', short: 'i', about: 'tells what the image says about itself', run: info },
];
