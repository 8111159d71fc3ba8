import { expect, test } from 'vitest';
import { takeEncryption } from './encryption-settings.ts';

test('a secret goes to the format that asks for it', () => {
  const { encryption, rest } = takeEncryption({ driver: 'qcow2', 'encrypt.key-secret': 's', 'file.filename': 'x' });
  expect(encryption).toEqual({ encryption: { secret: 's' }, encryptionBelow: [] });
  expect(rest).toEqual({ driver: 'qcow2', 'file.filename': 'x' });
  expect(takeEncryption({ driver: 'luks', 'key-secret': 's' }).encryption.encryption).toEqual({ secret: 's' });
});

test.each([
  ['raw', 'encrypt.key-secret'],
  ['luks', 'encrypt.key-secret'],
  ['qcow2', 'key-secret'],
])('%s has no %s', (driver, name) => {
  expect(() => takeEncryption({ driver, [name]: 's' })).toThrow(/have no option/);
});
