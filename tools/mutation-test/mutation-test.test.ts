// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { applyFileDiff, parseUnifiedDiff, type FileDiff } from '@lockstep/domain/source-patch';
import { seededRandom } from '@lockstep/testing/seeded-random';
import { readAssembly } from './assembly';
import { lineDiff } from './line-diff';
import { mutateSource, mutationKinds } from './mutate-source';
import { expectedOf, judge } from './verdict';

const source = `static int limit = 3;
#define TWICE(x) \\
	(2 * (x))
int work(int n)
{
	if (n > 4)
		report("too many", n);
	return n;
}
`;

describe('a mutation', () => {
  test.each(mutationKinds)('%s: changes one line of a body, and is repeatable', (kind) => {
    const mutation = mutateSource(source, kind, seededRandom(1));
    const lines = mutation?.source.split('\n') ?? [];
    const changed = source.split('\n').filter((line, index) => line !== lines[index]);
    expect(changed).toHaveLength(1);
    expect(changed[0]).toMatch(/^\t(if|return|\treport)/);
    expect(mutateSource(source, kind, seededRandom(1))).toEqual(mutation);
  });

  test.each(mutationKinds)('%s: as a diff, makes the same source', (kind) => {
    const mutation = mutateSource(source, kind, seededRandom(2));
    const { line, after } = mutation ?? { line: 0, after: '' };
    const [diff] = parseUnifiedDiff(lineDiff('kernel/work.c', source.split('\n'), line - 1, after));
    expect(diff?.newPath).toBe('kernel/work.c');
    expect(applyFileDiff(source, diff as FileDiff).text).toBe(mutation?.source);
  });

  test('none where there is no place', () => {
    expect(mutateSource('int x = 5;\n', 'constant', seededRandom(1))).toBeNull();
  });
});

const listing = (name: string, number: number, text: string, clone = 0) => `
	.section	.rodata.str1.1,"aMS",@progbits,1
.LC${number}:
	.string	"${text}"
	.section	.text.${name},"ax",@progbits
	.globl	${name}
	.type	${name}, @function
${name}:
.LFB${number}:
	call	__fentry__
	movl	$.LC${number}, %edi
	jmp	.L${number}
.L${number}:
	call	helper.part.${clone}
	ret
	.size	${name}, .-${name}
	.set	other_name,${name}
`;

describe('what the assembly says', () => {
  const before = readAssembly(listing('work', 5, 'hello'));

  test('numbers of labels and clones mean nothing', () => {
    expect(expectedOf(before, readAssembly(listing('work', 9, 'hello', 3))).changed).toEqual([]);
  });

  test('a string is part of the function; an alias is the function', () => {
    const expected = expectedOf(before, readAssembly(listing('work', 5, 'hullo')));
    expect(expected).toMatchObject({ changed: ['work'], added: [], refusals: [] });
    expect(judge({ kind: 'changed', changed: ['other_name'], added: [] }, expected)).toBeNull();
    expect(judge({ kind: 'changed', changed: [], added: [] }, expected)).toMatch(/expected changed \[work\]/);
    expect(judge({ kind: 'refused', reason: 'data-changed', message: 'm' }, expected)).toMatch(/refused/);
  });

  const withData = (text: string, limit: number) => `${listing('work', 5, 'hello').replace('$.LC5', '$__msg.5')}
	.type	__msg.5, @object
	.size	__msg.5, 8
__msg.5:
	.string	"${text}"
	.type	limit, @object
	.size	limit, 4
limit:
	.long	${limit}
`;

  test('a message of its own is part of the function; a variable is refused', () => {
    const data = readAssembly(withData('no', 3));
    expect(expectedOf(data, readAssembly(withData('yes', 3)))).toMatchObject({ changed: ['work'], refusals: [] });
    const { changed, refusals } = expectedOf(data, readAssembly(withData('no', 4)));
    expect({ changed, refusals }).toEqual({ changed: [], refusals: ['data-changed', 'registration-changed'] });
  });

  test('the table that the compiler makes of a switch is part of the function', () => {
    const table = (value: number) =>
      withData('no', 3).replaceAll('__msg.5', 'CSWTCH.5').replace('.string\t"no"', `.long\t${value}`);
    const expected = expectedOf(readAssembly(table(4)), readAssembly(table(5)));
    expect(expected).toMatchObject({ changed: ['work'], refusals: [] });
  });
});
