// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseCmdFile, type SavedCommand } from '@lockstep/domain/source-patch';
import { savedCommandText } from './saved-command';
import { isNoReader } from './unlisted-readers';

function saved(...files: string[]): SavedCommand {
  const source = 'fs/tree.c';
  const command = 'gcc -c -o fs/tree.o fs/tree.c';
  const found = parseCmdFile(savedCommandText({ path: 'fs/tree.o', command, source, files }));
  if (found === undefined) throw new Error('a saved command');
  return found;
}

const whole = 'include/linux/kconfig.h';

test('the compiler itself says that an object reads none of the files', () => {
  expect(isNoReader(saved(whole, 'include/linux/fs.h'), ['include/linux/netlink.h'])).toBe(true);
  expect(isNoReader(saved(whole, 'include/linux/netlink.h'), ['include/linux/netlink.h'])).toBe(false);
  expect(isNoReader(saved(whole), ['include/linux/netlink.h', 'fs/tree.c'])).toBe(false);
});

test('a list that is not whole says nothing', () => {
  expect(isNoReader(saved('include/linux/fs.h'), ['include/linux/netlink.h'])).toBe(false);
});
