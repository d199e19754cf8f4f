// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseModules } from './sysfs-view';

test.each([
  ['klp_a 16384 1 - Live 0xffffffffc0000000 (OEK)', { loading: false, livepatch: true, permanent: false }],
  ['klp_a 16384 1 - Loading 0x0000000000000000 (OEK+)', { loading: true, livepatch: true, permanent: false }],
  ['klp_a 16384 0 [permanent], Live 0x0000000000000000 (K)', { loading: false, livepatch: true, permanent: true }],
  ['ext4 937984 2 - Live 0x0000000000000000', { loading: false, livepatch: false, permanent: false }],
  ['jbd2 16384 1 ext4,[permanent], Live 0x0000000000000000', { loading: false, livepatch: false, permanent: true }],
  // Without CONFIG_MODULE_UNLOAD.
  ['klp_a 16384 - - Live 0x0000000000000000 (OEK)', { loading: false, livepatch: true, permanent: true }],
])('reads %s', (line, expected) => {
  expect(parseModules(`${line}\n`)).toEqual([{ name: line.split(' ')[0], ...expected }]);
});
