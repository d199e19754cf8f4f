// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { kernelTestSetupMs, testKernelFlavour } from '@lockstep/testing/qemu-machine';
import type { Edit } from '../index';
import { PatchableMachine } from '../patchable-machine';

const busy = 'lib/livepatch/test_klp_callbacks_busy';

const busyEdit: Edit = [`${busy}.c`, '', '"%s exit\\n"', '"%s patched exit\\n"'];
const cmdlineEdit: Edit = [
  'fs/proc/cmdline.c',
  '',
  "seq_putc(m, '\\n');",
  'WARN(1, "lockstep was here"); seq_puts(m, " patched\\n");',
];

let machine: PatchableMachine;

/** Builds a livepatch of the edits; returns its functions as `object:name`. */
async function build(name: string, edits: readonly Edit[]): Promise<string[]> {
  const { functions } = await machine.build(name, edits);
  return functions.map(({ object, name: of }) => `${object}:${of}`);
}

/** Loads the module, whose work function prints; returns what it printed. */
const runBusy = async (): Promise<string> =>
  machine.run(`dmesg -C; insmod '${machine.kernel.treeDir}/${busy}.ko'; dmesg; rmmod test_klp_callbacks_busy`);

describe('patches of modules', () => {
  beforeAll(async () => {
    machine = await PatchableMachine.start({ name: 'module-patch', flavour: testKernelFlavour() });
  }, kernelTestSetupMs);

  afterAll(() => machine[Symbol.asyncDispose]());

  test('a module’s function is patched when the module comes after its patch', async () => {
    expect(await build('klp_module', [busyEdit])).toEqual(['test_klp_callbacks_busy:busymod_work_func']);
    expect(await runBusy()).toContain('busymod_work_func exit');
    await machine.load('klp_module');
    expect(await runBusy()).toContain('busymod_work_func patched exit');
    expect(await machine.unload('klp_module')).toBe('');
    expect(await runBusy()).toContain('busymod_work_func exit');
  }, 300_000);

  test('vmlinux and a loaded module in one patch; a new warning names its file and line', async () => {
    expect(await build('klp_both', [cmdlineEdit, busyEdit])).toEqual([
      'vmlinux:cmdline_proc_show',
      'test_klp_callbacks_busy:busymod_work_func',
    ]);
    // Once only: these kernels cannot load a module again while a patch of it stays (fixed upstream in 6.4).
    await machine.run(`insmod '${machine.kernel.treeDir}/${busy}.ko'`);
    await machine.load('klp_both');
    const owned = await machine.run('cd /sys/kernel/livepatch/klp_both; ls -d */*,*');
    expect(owned).toBe('test_klp_callbacks_busy/busymod_work_func,1\nvmlinux/cmdline_proc_show,1\n');
    const log = await machine.run('dmesg -C; grep -c patched /proc/cmdline >/dev/null; dmesg');
    expect(log).toMatch(/WARNING: .* at fs\/proc\/cmdline\.c:\d+ cmdline_proc_show/);
    expect(log).toContain('lockstep was here');
    expect(await machine.run('cat /proc/cmdline')).toContain(' patched\n');
    await machine.unload('klp_both');
    await machine.run('rmmod test_klp_callbacks_busy');
    expect(await machine.run('cat /proc/cmdline')).not.toContain('patched');
  }, 300_000);
});
