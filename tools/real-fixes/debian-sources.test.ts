// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseDebianVersions, releaseIn } from './debian-sources';

test('two versions of one series', () => {
  expect(parseDebianVersions('6.1.176-1..6.1.192-2')).toEqual({ from: '6.1.176-1', to: '6.1.192-2' });
});

test.each(['6.1.176-1', '6.1.176-1..5.15.135-1', '6.1.176..6.1.192', '..6.1.192-2', '6.1.1-1..6.1.2-1; id'])(
  '%p are none',
  (text) => {
    expect(() => parseDebianVersions(text)).toThrow('give them as 6.1.176-1..6.1.192-2');
  },
);

test('the release of a version is what its image is called', () => {
  const shown = [
    'Package: linux-image-6.1.0-49-cloud-amd64\nVersion: 6.1.175-1\nDepends: kmod',
    'Package: linux-image-6.1.0-50-cloud-amd64\nVersion: 6.1.176-1\nDepends: kmod',
  ].join('\n\n');
  expect(releaseIn(shown, '6.1.176-1')).toBe('6.1.0-50-cloud-amd64');
  expect(releaseIn(shown, '6.1.17-1')).toBeUndefined();
});
