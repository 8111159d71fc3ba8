/** The device contract as Vitest tests, one per check. */
import { describe, test } from 'vitest';
import { type DeviceUnderTest, deviceChecks } from './device-contract.ts';

export function describeDeviceContract(name: string, subject: DeviceUnderTest): void {
  describe(`device contract: ${name}`, () => {
    for (const seed of [1, 2, 3]) {
      for (const check of deviceChecks(seed)) {
        if (seed === 1 || check.name.includes('random')) test(check.name, () => check.run(subject));
      }
    }
  });
}
