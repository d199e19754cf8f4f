// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BuiltLivepatch } from '@lockstep/io/kernel-builder';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { PatchableMachine } from '../patchable-machine';

let machine: PatchableMachine;

/** What sets a variable when the livepatch is switched on, and puts back what it was when it is switched off. */
const setting = (type: string, variable: string, value: string): string => `
struct klp_object;
static ${type} lockstep_was;
static int lockstep_set(struct klp_object *object)
{
	lockstep_was = ${variable};
	${variable} = ${value};
	return 0;
}
static void lockstep_restore(struct klp_object *object)
{
	${variable} = lockstep_was;
}
static int (*lockstep_pre)(struct klp_object *) __used __section(".lockstep.callbacks.pre_patch") = lockstep_set;
static void (*lockstep_post)(struct klp_object *) __used __section(".lockstep.callbacks.post_unpatch") = lockstep_restore;
`;

const build = (name: string, source: string, before: string, text: string): Promise<BuiltLivepatch> =>
  machine.build(name, [[source, '', before, `${text}\n${before}`]]);

const read = async (file: string): Promise<string> => (await machine.run(`cat ${file}`)).trim();

describe('patches that consist of callbacks', () => {
  beforeAll(async () => {
    machine = await PatchableMachine.start({ name: 'callbacks-only' });
  }, kernelTestSetupMs);

  afterAll(() => machine[Symbol.asyncDispose]());

  test.each([
    ['klp_aio', 'fs/aio.c', '__initcall(aio_setup);', 'unsigned long', 'aio_max_nr', '/proc/sys/fs/aio-max-nr'],
    ['klp_open', 'fs/file.c', 'static void __free_fdtable(', 'unsigned int', 'sysctl_nr_open', '/proc/sys/fs/nr_open'],
    ['klp_pid', 'kernel/pid.c', 'void put_pid(', 'int', 'pid_max', '/proc/sys/kernel/pid_max'],
  ])(
    '%s: a setting changes with the module and is what it was without it',
    async (name, source, before, type, variable, file) => {
      const was = await read(file);
      const built = await build(name, source, before, setting(type, variable, '123456'));
      expect(built.functions).toEqual([]);
      expect(built.caveats).toEqual([
        {
          kind: 'callbacks-only',
          message: expect.stringMatching(`pre_patch lockstep_set\\(\\) of vmlinux.* using ${variable}`),
        },
      ]);
      await machine.load(name);
      expect(await read(file)).toBe('123456');
      expect(await machine.unload(name)).toBe('');
      expect(await read(file)).toBe(was);
    },
    300_000,
  );

  test('two of one variable, retired in the reverse order, leave what was there', async () => {
    const file = '/proc/sys/fs/aio-max-nr';
    const was = await read(file);
    await build('klp_below', 'fs/aio.c', '__initcall(aio_setup);', setting('unsigned long', 'aio_max_nr', '70001'));
    await build('klp_above', 'fs/aio.c', '__initcall(aio_setup);', setting('unsigned long', 'aio_max_nr', '70002'));
    await machine.load('klp_below');
    await machine.load('klp_above');
    expect(await read(file)).toBe('70002');
    expect(await machine.unload('klp_above')).toBe('');
    expect(await read(file)).toBe('70001');
    expect(await machine.unload('klp_below')).toBe('');
    expect(await read(file)).toBe(was);
  }, 300_000);

  test('of a module that comes later: called when it comes, and when the patch goes', async () => {
    const source = 'lib/livepatch/test_klp_callbacks_busy.c';
    const before = 'module_init(test_klp_callbacks_busy_init);';
    const said = `
struct klp_object;
static int lockstep_set(struct klp_object *object)
{
	block_transition = false;
	pr_info("lockstep was called\\n");
	return 0;
}
static int (*lockstep_pre)(struct klp_object *) __used __section(".lockstep.callbacks.pre_patch") = lockstep_set;
`;
    const built = await build('klp_busy', source, before, said);
    expect(built.caveats[0]?.message).toContain('pre_patch lockstep_set() of test_klp_callbacks_busy');
    await machine.load('klp_busy');
    expect(await machine.run('dmesg')).not.toContain('lockstep was called');
    await machine.run(`insmod '${machine.kernel.treeDir}/lib/livepatch/test_klp_callbacks_busy.ko'`);
    expect(await machine.run('dmesg')).toContain('lockstep was called');
    await machine.run('rmmod test_klp_callbacks_busy');
    expect(await machine.unload('klp_busy')).toBe('');
  }, 300_000);
});
