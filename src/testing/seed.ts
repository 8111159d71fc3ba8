/**
 * One seed for all property tests of a process, printed so that a failing run can be repeated:
 * `DISKWRIGHT_SEED=<seed> npx vitest run …`. DISKWRIGHT_EFFORT=20 makes the long properties twenty times as long.
 */
import process from 'node:process';
import fc from 'fast-check';

function chooseSeed(): number {
  const given = process.env.DISKWRIGHT_SEED;
  if (given === undefined || given === '') return Math.floor(Math.random() * 0x7fff_ffff);
  const seed = Number(given);
  if (!Number.isInteger(seed)) throw new Error(`DISKWRIGHT_SEED is not a whole number: ${given}`);
  return seed;
}

export const seed = chooseSeed();
console.log(`DISKWRIGHT_SEED=${seed}`);
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });

/** Number of runs of a property, multiplied by the wanted effort. */
export const runs = (count: number): number => Math.round(count * Number(process.env.DISKWRIGHT_EFFORT ?? 1));
