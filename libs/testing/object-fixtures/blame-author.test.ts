// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PatchRefusal } from '@lockstep/domain/source-patch';
import { comparePatch } from '@lockstep/io/kernel-builder';
import { makeKernel, type MadeKernel } from './made-kernel';

const header = `static inline int step(int value)
{
	return value + 1;
}

#define FIRST 1
`;

const source = `#include "../include/x.h"
#define __init __attribute__((section(".init.text")))
#define notrace __attribute__((no_instrument_function))

int limits[] = { FIRST, 2 };

static inline int twice(int value)
{
	return value * 2;
}

int __init setup(int value)
{
	return step(value);
}

int notrace quiet(int value)
{
	return twice(value) - limits[1];
}
`;

let made: MadeKernel;

beforeAll(() => {
  made = makeKernel({ 'include/x.h': header, 'fs/a.c': source });
});
afterAll(() => {
  made[Symbol.dispose]();
});

async function refusalOf(diff: string): Promise<PatchRefusal> {
  const error: unknown = await comparePatch({ kernel: made.kernel, diff }).catch((caught: unknown) => caught);
  if (error instanceof PatchRefusal) return error;
  throw new Error('not refused', { cause: error });
}

test.each([
  // An inline function of a header, in what has run at boot.
  ['include/x.h', 'value + 1', 'value + 3', 'init-function', 'include/x.h:3 (step): fs/a.o: setup is in .init.text'],
  // One of the source, in what cannot be redirected.
  ['fs/a.c', 'value * 2', 'value * 5', 'no-ftrace-entry', 'fs/a.c:9 (twice): fs/a.o: quiet differs'],
  // A macro, in the content of a variable.
  ['include/x.h', 'FIRST 1', 'FIRST 7', 'data-changed', 'include/x.h:6 (FIRST): fs/a.o: the content of limits changes'],
  // What the author changed is what is refused.
  ['fs/a.c', 'FIRST, 2', 'FIRST, 4', 'data-changed', 'fs/a.c:5 (limits): fs/a.o: the content of limits changes'],
  ['fs/a.c', 'return step(value)', 'return step(value + 9)', 'init-function', 'fs/a.c:14 (setup): fs/a.o: setup is in'],
])('%s: what is refused is told where its author wrote it (%#)', async (file, find, put, reason, message) => {
  const refusal = await refusalOf(made.diffOf(file, find, put));
  expect(refusal.reason).toBe(reason);
  expect(refusal.message).toContain(message);
  expect(refusal.fields).toMatchObject({ object: 'fs/a.o', places: [message.replace(/: .*/, '')] });
  expect(refusal.places[0]?.file).toBe(file);
});
