// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { comparePatch } from '@lockstep/io/kernel-builder';
import { makeKernel, type MadeKernel } from './made-kernel';

const header = `#define NAME_BYTES 16

struct message {
	char name[NAME_BYTES];
	int length;
};

struct parser {
	struct message message;
	unsigned int is_stopped : 1;

	_Bool is_ready;
};

struct context {
	struct parser parser;
	long users;
};

static inline int has_context(struct context *context)
{
	return context != 0;
}
`;

const reader = `#include "../include/x.h"
struct context *context_of(int number);

int has_one(int number)
{
	return has_context(context_of(number));
}
`;

const user = `#include "../include/x.h"
struct context *context_of(int number);

long users_of(int number)
{
	struct context *context = context_of(number);

	return has_context(context) ? context->users : 0;
}
`;

let readers: MadeKernel;
let users: MadeKernel;
beforeAll(() => {
  readers = makeKernel({ 'include/x.h': header, 'fs/a.c': reader });
  users = makeKernel({ 'include/x.h': header, 'fs/a.c': reader, 'fs/b.c': user });
});
afterAll(() => {
  for (const made of [readers, users]) made[Symbol.dispose]();
});

const fix = ['return context != 0;', 'return context != 0 && context != (void *)-1;'] as const;
const ready = '\n\t_Bool is_ready;\n};';
const bothOf = ({ diffOf }: MadeKernel, find: string, put: string): string =>
  diffOf('include/x.h', find, put) + diffOf('include/x.h', ...fix).replace(/^---.*\n\+\+\+.*\n/, '');

const functionsOf = async ({ kernel }: MadeKernel, diff: string): Promise<string[]> =>
  (await comparePatch({ kernel, diff })).objects.flatMap(({ diff: { functions } }) =>
    functions.map(({ symbol }) => symbol.name),
  );

async function refusalOf({ kernel }: MadeKernel, diff: string): Promise<LockstepError> {
  const error: unknown = await comparePatch({ kernel, diff }).catch((caught: unknown) => caught);
  if (error instanceof LockstepError) return error;
  throw new Error('not refused', { cause: error });
}

test.each([
  ['in one that it embeds', ready, '\tunsigned int is_ready : 1;\n\tlong more;\n};'],
  ['a member in the middle', 'int length;', 'int length;\n\tint kind;'],
])('%s: who reads the header and uses nothing of the type is built', async (_name, find, put) => {
  expect(await functionsOf(readers, bothOf(readers, find, put))).toEqual(['has_one']);
});

test('who uses it is refused', async () => {
  const refusal = await refusalOf(users, bothOf(users, ready, '\tunsigned int is_ready : 1;\n\tlong more;\n};'));
  expect(refusal).toMatchObject({ reason: 'type-changed', fields: { object: 'fs/b.o' } });
});

test('what changes a type and is none itself is not taken back to see: refused', async () => {
  const refusal = await refusalOf(users, bothOf(users, 'NAME_BYTES 16', 'NAME_BYTES 32'));
  expect(refusal).toMatchObject({ reason: 'type-changed', fields: { type: 'struct context', member: 'users' } });
});
