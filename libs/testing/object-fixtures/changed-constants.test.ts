// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { comparePatch } from '@lockstep/io/kernel-builder';
import { makeKernel, type MadeKernel } from './made-kernel';

let made: MadeKernel;
beforeAll(() => {
  made = makeKernel({
    'include/flags.h': '#define FLAG_DEAD 0x2\n#define FLAG_IDLE 0x8\n',
    'include/state.h': '#include "flags.h"\n#define FLAGS_DONE (FLAG_DEAD | 1)\n',
    'fs/a.c': '#include "../include/flags.h"\nint is_dead(long flags)\n{\n\treturn (flags & FLAG_DEAD) != 0;\n}\n',
    'fs/b.c': '#include "../include/state.h"\nint is_done(long flags)\n{\n\treturn (flags & FLAGS_DONE) != 0;\n}\n',
    'fs/c.c': '#include "../include/state.h"\nint is_idle(long flags)\n{\n\treturn (flags & FLAG_IDLE) != 0;\n}\n',
    'fs/d.c': '#define LIMIT 4\nint below(int value)\n{\n\treturn value < LIMIT;\n}\n',
  });
});
afterAll(() => {
  made[Symbol.dispose]();
});

async function compared(file: string, find: string, put: string) {
  const { objects, remarks } = await comparePatch({ kernel: made.kernel, diff: made.diffOf(file, find, put) });
  return { functions: objects.flatMap(({ diff }) => diff.functions.map(({ symbol }) => symbol.name)), remarks };
}

test('a constant of a header changes all who use it, through other headers and constants too, and is told', async () => {
  const { functions, remarks } = await compared('include/flags.h', 'FLAG_DEAD 0x2', 'FLAG_DEAD 0x4');
  expect(functions).toEqual(['is_dead', 'is_done']);
  expect(remarks).toEqual([
    expect.stringMatching(
      /^include\/flags\.h:1: FLAG_DEAD is 0x4, and was 0x2\. Every object of this kernel build that reads it \(3\)/,
    ),
  ]);
});

test('so does one of a source', async () => {
  const { functions, remarks } = await compared('fs/d.c', 'LIMIT 4', 'LIMIT 5');
  expect(functions).toEqual(['below']);
  expect(remarks).toEqual([expect.stringMatching(/^fs\/d\.c:1: LIMIT is 5, and was 4\./)]);
});

test('a fix that changes none says nothing', async () => {
  const { functions, remarks } = await compared('fs/a.c', '!= 0', '!= 0 && flags > 0');
  expect(functions).toEqual(['is_dead']);
  expect(remarks).toEqual([]);
});
