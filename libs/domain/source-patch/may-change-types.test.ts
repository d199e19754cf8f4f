// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { mayChangeTypes } from './may-change-types';

const source = `#include <linux/fs.h>
#define LIMIT 4
struct held {
	int count; /* of what */
	struct list_head list;
};

enum state { STARTED, ENDED };

static const struct file_operations operations = {
	.owner = THIS_MODULE,
};

SYSCALL_DEFINE1(held, int, value)
{
	struct held held = { .count = value };
	static long limit, last[4];
#ifdef CONFIG_X
	held.count++;
#endif
	return held.count;
}
`;

const put = (find: string, instead: string): string => source.replace(find, instead);

test.each<[string, string]>([
  ['a statement', put('return held.count;', 'return held.count + 1;')],
  ['a statement in a function that has conditions', put('held.count++;', 'held.count += 2;')],
  ['a comment in a struct', put('of what', 'of whom')],
  [
    'a new function and its prototype',
    put('enum state', 'int one(struct held *held);\nint one(struct held *held)\n{\n\treturn 1;\n}\n\nenum state'),
  ],
  ['what a variable begins with', put('.owner = THIS_MODULE', '.owner = NULL')],
  ['a new static variable of a function', put('#ifdef', 'static int seen;\n#ifdef')],
  ['a new variable', put('enum state', 'static struct held spare = { 1 };\n\nenum state')],
])('%s: no type changes', (_, after) => {
  expect(mayChangeTypes(source, after)).toBe(false);
});

test.each<[string, string]>([
  ['a member', put('int count;', 'int count, other;')],
  [
    'the order of members',
    put('int count; /* of what */\n\tstruct list_head list;', 'struct list_head list;\n\tint count;'),
  ],
  ['a number that an array may have', put('LIMIT 4', 'LIMIT 8')],
  ['another header', put('#include <linux/fs.h>', '#include <linux/fs.h>\n#include <linux/mm.h>')],
  ['an enumerator', put('STARTED, ENDED', 'STARTED, PAUSED, ENDED')],
  ['a type inside a function', put('return held.count;', 'struct inner { int a; } inner = { 1 };\n\treturn inner.a;')],
  ['the type of a variable', put('static const struct file_operations operations', 'struct held operations')],
  ['that of a static variable of a function', put('static long limit', 'static unsigned long limit')],
  ['a typedef', put('enum state', 'typedef struct held held_t;\nenum state')],
  ['nothing that was there', 'int x;\nstruct held { int count; };\n'],
])('%s: types may change', (_, after) => {
  expect(mayChangeTypes(source, after)).toBe(true);
});

test('the type of a variable that each processor has', () => {
  const declared = (type: string): string => `${source}static DEFINE_PER_CPU(${type}, hits);\n`;
  expect(mayChangeTypes(declared('int'), declared('u32'))).toBe(true);
  expect(mayChangeTypes(declared('int'), declared('int').replace('hits', 'misses'))).toBe(false);
});
