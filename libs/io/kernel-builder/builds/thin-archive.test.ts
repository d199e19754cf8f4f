// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { readThinArchive } from './thin-archive';

function header(name: string, size: number): string {
  return `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'644'.padEnd(8)}${String(size).padEnd(10)}\`\n`;
}

test("members' names, also behind the digits that GNU ar leaves in the name field", () => {
  const names = 'first.o/\nsub/second.o/\nthird.o/\n';
  const archive = [
    '!<thin>\n',
    header('//', names.length),
    names + (names.length % 2 === 1 ? '\n' : ''),
    header('/0', 44048),
    header('/9            /0', 24056),
    header('/23', 100),
  ].join('');
  expect(readThinArchive(Buffer.from(archive))).toEqual(['first.o', 'sub/second.o', 'third.o']);
});

test('an ordinary archive, or anything else, is not one', () => {
  expect(readThinArchive(Buffer.from('!<arch>\n'))).toBeUndefined();
  expect(readThinArchive(Buffer.alloc(0))).toBeUndefined();
});
