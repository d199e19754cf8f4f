// SPDX-License-Identifier: GPL-2.0-only
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BuiltLivepatch } from '@lockstep/io/kernel-builder';
import { kernelTestSetupMs, type AddedSources } from '@lockstep/testing/qemu-machine';
import { diffOfEdits, resolvePatched, wholeFileDiff, type Edit } from '../index';
import { PatchableMachine } from '../patchable-machine';

// Sources of our own, built into the kernel, each in a shape that patches meet; loaded, and judged by what they show.

const cases = path.join(__dirname, '../cases');
const folder = 'fs/lockstep_cases';
const textOf = (file: string): string => readFileSync(path.join(cases, file), 'utf8');
const textBefore = (file: string): string => resolvePatched(textOf(file), false);
const textAfter = (file: string): string => resolvePatched(textOf(file), true);

const added: AddedSources = {
  folder,
  files: new Map(readdirSync(cases).map((file) => [file, textBefore(file)])),
};

const patched = (file: string): Edit => [`${folder}/${file}`, '', textBefore(file), textAfter(file)];

let machine: PatchableMachine;

const build = (name: string, edits: readonly Edit[]): Promise<BuiltLivepatch> => machine.build(name, edits);
const load = (name: string): Promise<string> => machine.load(name, 'livepatch.consistency=system');

const shown = async (...names: string[]): Promise<string> =>
  (await machine.run(`cd /proc/lockstep_cases; cat ${names.join(' ')}`)).trim();

describe('shapes that patches meet', () => {
  beforeAll(async () => {
    machine = await PatchableMachine.start({ name: 'cases', added });
  }, kernelTestSetupMs);

  afterAll(() => machine[Symbol.asyncDispose]());

  test.each<[file: string, original: string, underPatch: string[], original: string]>([
    ['static_locals', '1 1', ['2 2 1', '3 3 2'], '4 4'],
    ['static_order', '1 10', ['patched 2 20', 'patched 3 30'], '4 40'],
    ['two_mutexes', '0 0 0', ['1 0 0 0', '1 1 0 0'], '1 1 1'],
    ['section_names', '2 3 4 5 1 6 6 7 1', ['1003 1004 1005 1006 1002 7 6 7 1'], '4 5 6 7 3 8 6 7 1'],
  ])(
    '%s',
    async (name, original, underPatch, again) => {
      expect(await shown(name)).toBe(original);
      await build(`klp_${name}`, [patched(`${name}.c`)]);
      await load(`klp_${name}`);
      for (const expected of underPatch) expect(await shown(name)).toBe(expected);
      expect(await machine.unload(`klp_${name}`)).toBe('');
      expect(await shown(name)).toBe(again);
    },
    300_000,
  );

  test('a new object without a name before others is refused: they are numbered', async () => {
    expect(await shown('compound_literals')).toBe('21 101');
    await expect(build('klp_literals', [patched('compound_literals.c')])).rejects.toMatchObject({
      reason: 'ambiguous-static',
      message: expect.stringContaining('give the static variable a name of its own'),
    });
  });

  test('one source in two objects is refused: their static functions have one name, of files of one name', async () => {
    expect(await shown('twice_one', 'twice_two', 'twice_two')).toBe('one 1\ntwo 1\ntwo 2');
    await expect(build('klp_twice', [patched('twice.c')])).rejects.toMatchObject({
      reason: 'ambiguous-symbol',
      message: expect.stringContaining('several files twice.c with the same symbols'),
    });
  });

  test.each<[shape: string, edits: Edit[], reason: string, problem: RegExp]>([
    [
      'a function without which a weak one of another file takes its place',
      [['arch/x86/mm/pat/set_memory.c', '', 'void arch_report_meminfo(', 'void lockstep_report_meminfo(']],
      'gone-global',
      /set_memory\.o: arch_report_meminfo is gone, and fs\/proc\/meminfo\.o/,
    ],
    [
      'a static variable of a function that is renamed',
      [
        [`${folder}/static_locals.c`, 'static noinline int second_ticket', 'static int count;', 'static int tickets;'],
        [`${folder}/static_locals.c`, 'static int tickets', '++count', '++tickets'],
      ],
      'state-lost',
      /tickets is new, where count is gone/,
    ],
    [
      'a static variable that moves into another function, told apart by debug information',
      [
        [`${folder}/static_locals.c`, 'static noinline int second_ticket', 'static int count;', ''],
        [`${folder}/static_locals.c`, 'static noinline int second_ticket', 'return ++count', 'return third_ticket()'],
        [
          `${folder}/static_locals.c`,
          '',
          'static __always_inline',
          'static noinline int third_ticket(void)\n{\n\tstatic int count;\n\n\treturn ++count;\n}\nstatic __always_inline',
        ],
      ],
      'state-lost',
      /count is moved/,
    ],
    [
      'a static variable that moves to another file',
      [
        [`${folder}/toggled.c`, '', 'static bool is_on;', 'bool *lockstep_on(void);\n#define is_on (*lockstep_on())'],
        [
          `${folder}/section_names.c`,
          '',
          'static int once',
          'static bool is_on;\nbool *lockstep_on(void);\nbool *lockstep_on(void)\n{\n\treturn &is_on;\n}\nstatic int once',
        ],
      ],
      'state-lost',
      /is_on is moved from fs\/lockstep_cases\/toggled\.o/,
    ],
  ])(
    '%s is refused',
    async (_, edits, reason, problem) => {
      await expect(build('klp_lost', edits)).rejects.toMatchObject({
        reason,
        message: expect.stringMatching(problem),
      });
    },
    120_000,
  );

  test('a function that is exported and has other neighbours with the patch is still there', async () => {
    const file = `${folder}/static_locals.c`;
    const { functions, remarks } = await build('klp_exported', [
      [file, '', '#include "cases.h"', '#include "cases.h"\n#include <linux/export.h>'],
      [file, 'int static_locals_show', '{\n', '{\n\tseq_puts(m, "exported ");\n'],
      [file, 'int static_locals_show', '}\n', '}\nEXPORT_SYMBOL_GPL(static_locals_show);\n'],
    ]);
    expect(functions.map(({ name }) => name)).toEqual(['static_locals_show']);
    expect(remarks).toEqual([expect.stringContaining('EXPORT_SYMBOL of static_locals_show')]);
  });

  test('a source that is only included, by two', async () => {
    expect(await shown('outer_one', 'outer_two', 'outer_two')).toBe('one 1\ntwo 1\ntwo 2');
    await build('klp_inner', [patched('inner.c')]);
    await load('klp_inner');
    expect(await shown('outer_one', 'outer_two')).toBe('one 101\ntwo 102');
    expect(await machine.unload('klp_inner')).toBe('');
    expect(await shown('outer_one', 'outer_two')).toBe('one 102\ntwo 103');
  }, 300_000);

  test('keys, calls and tracepoints, toggled before, under and after', async () => {
    const [off, on] = ['key 0 call 1 traced 0 fpu 1', 'key 1 call 2 traced 5 fpu 1'];
    expect(await shown('toggled')).toBe(off);
    expect(await shown('toggle', 'toggled')).toBe(`1\n${on}`);
    await build('klp_toggled', [patched('toggled.c')]);
    await load('klp_toggled');
    expect(await shown('toggled')).toBe('key 11 call 2 traced 105 fpu 1');
    expect(await shown('toggle', 'toggled')).toBe(`0\n${off}`);
    expect(await shown('toggle', 'toggled')).toBe('1\nkey 11 call 2 traced 105 fpu 1');
    expect(await machine.unload('klp_toggled')).toBe('');
    expect(await shown('toggled')).toBe(on);
    expect(await shown('toggle', 'toggled')).toBe(`0\n${off}`);
  }, 300_000);

  test('keys, calls and per-CPU variables that come with the patch', async () => {
    const [file, before] = [`${folder}/toggled.c`, await shown('toggled')];
    await build('klp_sites', [
      [
        file,
        '',
        '#include "cases.h"\n',
        `#include <linux/percpu.h>
#include "cases.h"
DEFINE_STATIC_KEY_FALSE(fresh_key);
static DEFINE_STATIC_KEY_TRUE(fresh_true);
static int fresh_one(void) { return 100; }
static int fresh_two(void) { return 200; }
DEFINE_STATIC_CALL(fresh_call, fresh_one);
static DEFINE_PER_CPU_READ_MOSTLY(int, fresh_mostly) = 5;
static DEFINE_PER_CPU_SHARED_ALIGNED(long, fresh_shared) = 7;
static noinline void fresh_sums(struct seq_file *m)
{
	int cpu, mostly = 0;
	long shared = 0;

	this_cpu_inc(fresh_mostly);
	this_cpu_add(fresh_shared, 2);
	for_each_possible_cpu(cpu) {
		mostly += per_cpu(fresh_mostly, cpu);
		shared += per_cpu(fresh_shared, cpu);
	}
	seq_printf(m, "%d %ld ", mostly, shared);
}
`,
      ],
      [
        file,
        '',
        'int key = 0, before = traced;\n',
        `int key = 0, before = traced;

	if (static_branch_unlikely(&fresh_key))
		seq_puts(m, "on ");
	else
		static_branch_enable(&fresh_key);
	if (static_branch_likely(&fresh_true))
		seq_puts(m, "true ");
	seq_printf(m, "%d ", static_call(fresh_call)());
	static_call_update(fresh_call, fresh_two);
	fresh_sums(m);
`,
      ],
    ]);
    await load('klp_sites');
    // Two processors have 5 and 7 each.
    expect(await shown('toggled')).toBe(`true 100 11 16 ${before}`);
    expect(await shown('toggled')).toBe(`on true 200 12 18 ${before}`);
    await machine.disable('klp_sites');
    expect(await shown('toggled')).toBe(before);
  }, 300_000);

  test('faults that are expected, and warnings, in new code', async () => {
    const file = `${folder}/static_locals.c`;
    await build('klp_faults', [
      [
        file,
        '',
        '#include "cases.h"\n',
        `#include <linux/uaccess.h>
#include "cases.h"
static noinline int fresh_fault(int *from)
{
	int value = 0;

	pagefault_disable();
	__get_kernel_nofault(&value, from, int, fault);
	pagefault_enable();
	return value;
fault:
	pagefault_enable();
	return -EFAULT;
}
`,
      ],
      [
        file,
        'int static_locals_show',
        '{\n',
        `{
	int there = 5;

	seq_printf(m, "%d %d\\n", fresh_fault(&there), fresh_fault((int *)0xffff800000000000UL));
	WARN_ONCE(1, "lockstep: warned\\n");
	return 0;
`,
      ],
    ]);
    await load('klp_faults');
    expect(await shown('static_locals', 'static_locals')).toBe('5 -14\n5 -14');
    const told = await machine.run(`dmesg | grep -E 'WARNING|lockstep: warned|BUG|Oops'; dmesg -C`);
    // Each once: it is a warning that warns once.
    expect(told.match(/WARNING: .* at fs\/lockstep_cases\/static_locals\.c:\d+ static_locals_show/g)).toHaveLength(1);
    expect(told.match(/lockstep: warned/g)).toHaveLength(1);
    expect(told).not.toMatch(/BUG|Oops/);
    expect(await machine.unload('klp_faults')).toBe('');
  }, 300_000);

  test('per-CPU variables of a module that comes later', async () => {
    const late = async (): Promise<string> => {
      const ko = path.join(machine.kernel.treeDir, folder, 'late_percpu.ko');
      return (
        await machine.run(`insmod '${ko}'; cat /proc/lockstep_late; cat /proc/lockstep_late; rmmod late_percpu`)
      ).trim();
    };
    // Two processors, 40 each.
    expect(await late()).toBe('81 7\n82 7');
    await build('klp_late', [patched('late_percpu.c')]);
    await load('klp_late');
    expect(await late()).toBe('1151 7\n2152 7');
    expect(await machine.unload('klp_late')).toBe('');
  }, 300_000);

  test('a patch over one that brought a static variable is refused: a copy would be another variable', async () => {
    const below = textAfter('static_locals.c');
    const file = `${folder}/static_locals.c`;
    const onto = [{ name: 'below', text: await diffOfEdits(machine.kernel.treeDir, [patched('static_locals.c')]) }];
    const text = wholeFileDiff(file, below, below.replace('++count', 'count += 10'));
    const building = machine.build('klp_above', [{ name: 'above', text }], { onto });
    await expect(building).rejects.toThrow(/count\.new_added_ticket_0 exists only in patches below/);
  });

  test('an object that is part of two modules is refused: a livepatch would change one of them', async () => {
    await expect(build('klp_both', [patched('both_shared.c')])).rejects.toMatchObject({
      reason: 'unsupported-change',
      message: expect.stringMatching(/part of both_one and both_two: each has its own copy/),
    });
  });
});
