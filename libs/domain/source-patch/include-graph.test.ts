// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { includedNames, possibleReaders } from './include-graph';

test('what a file includes, whatever the conditions', () => {
  const text = [
    '#include <linux/fs.h>',
    '#ifdef CONFIG_NEVER',
    ' #  include "own.h"',
    '#endif',
    '/* #include in a text <not/this.h> */',
    '#include MACRO',
    '#include_next <asm/page.h>',
  ].join('\n');
  expect(includedNames(text)).toEqual(['linux/fs.h', 'own.h', 'asm/page.h']);
});

describe('who may read a header', () => {
  const includes = {
    'fs/open.c': ['linux/fs.h', 'internal.h'],
    'fs/internal.h': ['linux/mount.h'],
    'include/linux/fs.h': ['linux/stringify.h'],
    'net/socket.c': ['linux/net.h'],
    'include/linux/net.h': ['../include/linux/stringify.h'],
    'lib/sort.c': ['linux/sort.h'],
    'drivers/other/stringify.h': [],
  };

  test('directly and through others, be it by a name that goes up', () => {
    expect([...possibleReaders(includes, ['include/linux/stringify.h'])].sort()).toEqual([
      'fs/open.c',
      'include/linux/fs.h',
      'include/linux/net.h',
      'net/socket.c',
    ]);
  });

  test('not by a name that cannot mean it', () => {
    expect([...possibleReaders(includes, ['drivers/other/stringify.h'])]).toEqual([]);
    expect([...possibleReaders(includes, ['net/internal.h'])]).toEqual(['fs/open.c']);
  });

  test('circles end', () => {
    const circle = { 'a.h': ['b.h'], 'b.h': ['a.h'] };
    expect([...possibleReaders(circle, ['a.h'])].sort()).toEqual(['a.h', 'b.h']);
  });
});
