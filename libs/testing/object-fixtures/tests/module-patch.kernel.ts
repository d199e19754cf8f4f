// SPDX-License-Identifier: GPL-2.0-only
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { diffObjects } from '@lockstep/domain/object-diff';
import {
  defaultCacheDirectory,
  linkLivepatch,
  ObjectCompiler,
  registerKernelBuild,
  type ComparedObject,
  type KernelBuild,
} from '@lockstep/io/kernel-builder';
import {
  kernelTestSetupMs,
  startTestMachine,
  testKernelFlavour,
  type QemuMachine,
  type TestMachine,
} from '@lockstep/testing/qemu-machine';

const busy = 'lib/livepatch/test_klp_callbacks_busy';

/** What is put in the place of what, in which source. */
type Edit = readonly [source: string, find: string, put: string];

const busyEdit: Edit = [`${busy}.c`, '"%s exit\\n"', '"%s patched exit\\n"'];
const cmdlineEdit: Edit = [
  'fs/proc/cmdline.c',
  "seq_putc(m, '\\n');",
  'WARN(1, "lockstep was here"); seq_puts(m, " patched\\n");',
];

let bench: TestMachine;
let dir = '';
let kernel: KernelBuild;
let machine: QemuMachine;

async function compare(edits: readonly Edit[]): Promise<ComparedObject[]> {
  await using compiler = await ObjectCompiler.lease(kernel);
  const compared: ComparedObject[] = [];
  for (const [source, find, put] of edits) {
    const indexed = ObjectCompiler.objectsOf(kernel).find((candidate) => candidate.source === source)!;
    const text = await readFile(path.join(kernel.treeDir, source), 'latin1');
    expect(text).toContain(find);
    const original = await compiler.original(indexed);
    const patched = await compiler.patched(indexed, new Map([[source, text.replace(find, put)]]));
    const diff = diffObjects({ original, patched, objectPath: indexed.path, tables: kernel.facts.tables });
    compared.push({ object: indexed.object ?? '', diff, types: [] });
  }
  return compared;
}

/** Builds a livepatch of the edits; returns the .ko's path and the functions as `object:name`. */
async function build(name: string, edits: readonly Edit[]): Promise<{ ko: string; functions: string[] }> {
  const { bytes, functions } = await linkLivepatch({
    kernel,
    sources: undefined,
    compared: await compare(edits),
    moduleName: parseModuleName(name),
    patchId: parsePatchId('ab'.repeat(32)),
    replace: false,
  });
  const ko = path.join(dir, `${name}.ko`);
  await writeFile(ko, bytes);
  return { ko, functions: functions.map(({ object, name: of }) => `${object}:${of}`) };
}

const settled = (name: string) =>
  `while [ "$(cat /sys/kernel/livepatch/${name}/transition)" != 0 ]; do sleep 0.1; done`;
const unload = (name: string) =>
  `echo 0 >/sys/kernel/livepatch/${name}/enabled
   while [ -e /sys/kernel/livepatch/${name} ]; do sleep 0.1; done; rmmod ${name}`;

/** Loads the module, whose work function prints; returns what it printed. */
const runBusy = async (): Promise<string> =>
  machine.run(`dmesg -C; insmod '${kernel.treeDir}/${busy}.ko'; dmesg; rmmod test_klp_callbacks_busy`);

describe('patches of modules', () => {
  beforeAll(async () => {
    bench = await startTestMachine({ name: 'module-patch', flavour: testKernelFlavour() });
    ({ machine, folder: dir } = bench);
    kernel = await registerKernelBuild({ path: bench.kernel.treeDir, cacheDir: defaultCacheDirectory() });
  }, kernelTestSetupMs);

  afterAll(() => bench[Symbol.asyncDispose](), 60_000);

  test('a module’s function is patched when the module comes after its patch', async () => {
    const { ko, functions } = await build('klp_module', [busyEdit]);
    expect(functions).toEqual(['test_klp_callbacks_busy:busymod_work_func']);
    expect(await runBusy()).toContain('busymod_work_func exit');
    await machine.run(`insmod '${ko}'; ${settled('klp_module')}`);
    expect(await runBusy()).toContain('busymod_work_func patched exit');
    await machine.run(unload('klp_module'));
    expect(await runBusy()).toContain('busymod_work_func exit');
  }, 300_000);

  test('vmlinux and a loaded module in one patch; a new warning names its file and line', async () => {
    const { ko, functions } = await build('klp_both', [cmdlineEdit, busyEdit]);
    expect(functions).toEqual(['vmlinux:cmdline_proc_show', 'test_klp_callbacks_busy:busymod_work_func']);
    // Once only: these kernels cannot load a module again while a patch of it stays (fixed upstream in 6.4).
    await machine.run(`insmod '${kernel.treeDir}/${busy}.ko'; insmod '${ko}'; ${settled('klp_both')}`);
    const owned = await machine.run('cd /sys/kernel/livepatch/klp_both; ls -d */*,*');
    expect(owned).toBe('test_klp_callbacks_busy/busymod_work_func,1\nvmlinux/cmdline_proc_show,1\n');
    const log = await machine.run('dmesg -C; grep -c patched /proc/cmdline >/dev/null; dmesg');
    expect(log).toMatch(/WARNING: .* at fs\/proc\/cmdline\.c:\d+ cmdline_proc_show/);
    expect(log).toContain('lockstep was here');
    expect(await machine.run('cat /proc/cmdline')).toContain(' patched\n');
    await machine.run(`${unload('klp_both')}; rmmod test_klp_callbacks_busy`);
    expect(await machine.run('cat /proc/cmdline')).not.toContain('patched');
  }, 300_000);
});
