/**
 * One seed for all property tests of a process, printed so that a failing run can be repeated:
 * `DISKWRIGHT_SEED=<seed> npx vitest run …`.
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
