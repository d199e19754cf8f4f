// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { vendorProofs } from './vendor-proof';

const proof = (functions: number, overridden: readonly string[] = []): Parameters<typeof vendorProofs>[0][number] => ({
  object: 'vmlinux',
  proof: { functions, equal: functions - overridden.length, overridden, differences: [] },
});

test('objects of one vmlinux are one proof, and a module is another one', () => {
  const proved = [proof(3), { ...proof(2), object: 'af_alg' }, proof(4, ['arch_hook'])];
  expect(vendorProofs(proved, (object) => `digest of ${object}`)).toEqual([
    { object: 'vmlinux', vendorSha256: 'digest of vmlinux', functions: 7, equal: 6, overridden: ['arch_hook'] },
    { object: 'af_alg', vendorSha256: 'digest of af_alg', functions: 2, equal: 2, overridden: [] },
  ]);
});

test('what nobody noted the digest of is not told', () => {
  expect(vendorProofs([proof(3)], () => undefined)).toEqual([]);
});
