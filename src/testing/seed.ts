/**
 * One seed for all property tests of a process, printed. The gate does not depend on chance: without DISKWRIGHT_SEED it
 * is always the same, so that a change that breaks something is the one that fails. `npm run test:deep` draws a new
 * one and makes the long properties longer (DISKWRIGHT_EFFORT); what it finds is repeated with
 * `DISKWRIGHT_SEED=<seed> npx vitest run …`.
 */
import process from 'node:process';
import fc from 'fast-check';

const USUAL_SEED = 20_261_124;

function chooseSeed(): number {
  const given = process.env.DISKWRIGHT_SEED ?? '';
  if (given === '') return USUAL_SEED;
  if (given === 'random') return Math.floor(Math.random() * 0x7fff_ffff);
  const seed = Number(given);
  if (!Number.isInteger(seed)) throw new Error(`DISKWRIGHT_SEED is neither a whole number nor "random": ${given}`);
  return seed;
}

export const seed = chooseSeed();
console.log(`DISKWRIGHT_SEED=${seed}`);
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });

/** Number of runs of a property, multiplied by the wanted effort. */
export const runs = (count: number): number => Math.round(count * Number(process.env.DISKWRIGHT_EFFORT ?? 1));
