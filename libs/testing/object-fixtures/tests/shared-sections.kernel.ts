// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { kernelTestSetupMs, testKernelFlavour } from '@lockstep/testing/qemu-machine';
import type { Edit } from '../index';
import { PatchableMachine } from '../patchable-machine';

let machine: PatchableMachine;

const neighbour = 'net/core/neighbour.c';
const show = 'static int neigh_stat_seq_show(struct seq_file *seq, void *v)\n{\n';

/** A loop over an array that shares its section, with new variables around it. */
const arrays: readonly Edit[] = [
  [
    neighbour,
    '',
    show,
    `static unsigned long lockstep_shown __read_mostly = 5;\n\n${show}\tstruct neigh_table **table;\n\tint found = 0;\n\n\tfor (table = (void *)neigh_tables; table != (void *)(neigh_tables + NEIGH_NR_TABLES); table++)\n\t\tif (READ_ONCE(*table))\n\t\t\tfound++;\n\tseq_printf(seq, "tables %d shown %lu\\n", found, lockstep_shown++);\n`,
  ],
];

const bio = 'block/bio.c';
const slab = 'static struct biovec_slab *biovec_slab(';
const behindSlabs: readonly Edit[] = [
  [bio, '', slab, `static unsigned long lockstep_vectors __read_mostly;\n\n${slab}`],
  [bio, slab, '{\n', '{\n\tlockstep_vectors++;\n'],
];

const mutex = 'kernel/locking/mutex.c';
const interruptible = 'int __sched mutex_lock_interruptible(';
const caller: readonly Edit[] = [
  [
    mutex,
    `\n${interruptible}`,
    '\treturn __mutex_lock_interruptible_slowpath(lock);',
    '\tif (unlikely(!lock))\n\t\treturn -EINVAL;\n\n\treturn __mutex_lock_interruptible_slowpath(lock);',
  ],
];
const callee: readonly Edit[] = [
  [
    mutex,
    '__mutex_lock_interruptible_slowpath(struct mutex *lock)\n{',
    '{\n',
    '{\n\tif (unlikely(!lock))\n\t\treturn -EINVAL;\n',
  ],
];

async function load(name: string, edits: readonly Edit[]): Promise<readonly string[]> {
  const { functions } = await machine.build(name, edits);
  await machine.load(name);
  return functions.map((one) => one.name);
}

describe('functions and variables that share a section', () => {
  beforeAll(async () => {
    machine = await PatchableMachine.start({ name: 'shared-sections', flavour: testKernelFlavour() });
  }, kernelTestSetupMs);

  afterAll(() => machine[Symbol.asyncDispose]());

  test('a loop over an array ends with it, not at the new variable behind it', async () => {
    expect(await load('klp_arrays', arrays)).toEqual(['neigh_stat_seq_show']);
    const shown = await machine.run('cat /proc/net/stat/arp_cache');
    expect(shown).toMatch(/^tables [123] shown 5$/m);
    expect(await machine.run('cat /proc/net/stat/arp_cache')).not.toContain('shown 5\n');
    expect(await machine.unload('klp_arrays')).toBe('');
    expect(await machine.run('cat /proc/net/stat/arp_cache')).not.toContain('tables');
  }, 300_000);

  test('a variable behind an array that only boot code loops over changes no boot code', async () => {
    const changed = await load('klp_slabs', behindSlabs);
    expect(changed).not.toEqual([]);
    expect(changed.filter((name) => name.startsWith('init_'))).toEqual([]);
    await machine.run('head -c 100000 /usr/bin/perl >/tmp/copy; sync');
    expect(await machine.unload('klp_slabs')).toBe('');
  }, 300_000);

  test.each([
    ['klp_caller', caller, 'mutex_lock_interruptible'],
    ['klp_callee', callee, '__mutex_lock_interruptible_slowpath'],
  ])(
    '%s: a jump to a function of the same section',
    async (name, edits, changed) => {
      expect(await load(name, edits)).toEqual([changed]);
      // Two that want one directory's lock, one of them through readdir.
      await machine.run(
        'mkdir -p /tmp/many; cd /tmp/many; touch $(seq 500); for i in 1 2 3 4; do ls >/dev/null & touch a$i b$i & done; wait',
      );
      expect(await machine.unload(name)).toBe('');
    },
    300_000,
  );
});
