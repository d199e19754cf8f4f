// SPDX-License-Identifier: GPL-2.0-only
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import {
  buildLivepatch,
  defaultCacheDirectory,
  registerKernelBuild,
  type BuiltLivepatch,
  type KernelBuild,
} from '@lockstep/io/kernel-builder';
import {
  kernelTestSetupMs,
  startTestMachine,
  type AddedSources,
  type QemuMachine,
  type TestMachine,
} from '@lockstep/testing/qemu-machine';
import { diffOfEdits, resolvePatched, type Edit } from '../index';

// Sources of our own, built into the kernel, each in a shape that patches meet; loaded, and judged by what they show.

const cases = path.join(__dirname, '../cases');
const folder = 'fs/lockstep_cases';
const textOf = (file: string): string => readFileSync(path.join(cases, file), 'utf8');
const before = (file: string): string => resolvePatched(textOf(file), false);
const after = (file: string): string => resolvePatched(textOf(file), true);

const added: AddedSources = {
  folder,
  files: new Map(readdirSync(cases).map((file) => [file, before(file)])),
};

const patched = (file: string): Edit => [`${folder}/${file}`, '', before(file), after(file)];

let bench: TestMachine;
let kernel: KernelBuild;
let machine: QemuMachine;

async function build(name: string, edits: readonly Edit[], onto?: string): Promise<BuiltLivepatch> {
  const built = await buildLivepatch({
    kernel,
    diff: await diffOfEdits(kernel.treeDir, edits),
    ...(onto === undefined ? {} : { onto: [{ name: 'below', text: Buffer.from(onto) }] }),
    moduleName: parseModuleName(name),
    patchId: parsePatchId('ab'.repeat(32)),
    replace: false,
  });
  await writeFile(path.join(bench.folder, `${name}.ko`), built.bytes);
  return built;
}

const load = (name: string): Promise<string> =>
  machine.run(
    `dmesg -C; insmod '${bench.folder}/${name}.ko' livepatch.consistency=system
     while [ "$(cat /sys/kernel/livepatch/${name}/transition)" != 0 ]; do sleep 0.1; done`,
  );

const unload = (name: string): Promise<string> =>
  machine.run(
    `echo 0 >/sys/kernel/livepatch/${name}/enabled; while [ -e /sys/kernel/livepatch/${name} ]; do sleep 0.1; done
     rmmod ${name}; dmesg | grep -E 'BUG|WARNING|Oops' || :`,
  );

const shown = async (...names: string[]): Promise<string> =>
  (await machine.run(`cd /proc/lockstep_cases; cat ${names.join(' ')}`)).trim();

describe('shapes that patches meet', () => {
  beforeAll(async () => {
    bench = await startTestMachine({ name: 'cases', added });
    machine = bench.machine;
    kernel = await registerKernelBuild({ path: bench.kernel.treeDir, cacheDir: defaultCacheDirectory() });
  }, kernelTestSetupMs);

  afterAll(() => bench[Symbol.asyncDispose](), 60_000);

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
      expect(await unload(`klp_${name}`)).toBe('');
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
  }, 120_000);

  test('one source in two objects', async () => {
    expect(await shown('twice_one', 'twice_two', 'twice_two')).toBe('one 1\ntwo 1\ntwo 2');
    await build('klp_twice', [patched('twice.c')]);
    await load('klp_twice');
    expect(await shown('twice_one', 'twice_two')).toBe('one 11\ntwo 12');
    expect(await unload('klp_twice')).toBe('');
    expect(await shown('twice_one', 'twice_two')).toBe('one 12\ntwo 13');
  }, 300_000);

  test('a source that is only included, by two', async () => {
    expect(await shown('outer_one', 'outer_two', 'outer_two')).toBe('one 1\ntwo 1\ntwo 2');
    await build('klp_inner', [patched('inner.c')]);
    await load('klp_inner');
    expect(await shown('outer_one', 'outer_two')).toBe('one 101\ntwo 102');
    expect(await unload('klp_inner')).toBe('');
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
    expect(await unload('klp_toggled')).toBe('');
    expect(await shown('toggled')).toBe(on);
    expect(await shown('toggle', 'toggled')).toBe(`0\n${off}`);
  }, 300_000);

  test('per-CPU variables of a module that comes later', async () => {
    const late = async (): Promise<string> => {
      const ko = path.join(kernel.treeDir, folder, 'late_percpu.ko');
      return (
        await machine.run(`insmod '${ko}'; cat /proc/lockstep_late; cat /proc/lockstep_late; rmmod late_percpu`)
      ).trim();
    };
    // Two processors, 40 each.
    expect(await late()).toBe('81 7\n82 7');
    await build('klp_late', [patched('late_percpu.c')]);
    await load('klp_late');
    expect(await late()).toBe('1151 7\n2152 7');
    expect(await unload('klp_late')).toBe('');
  }, 300_000);

  test('a stack of patches over the same static variables', async () => {
    const file = `${folder}/static_locals.c`;
    const below = await diffOfEdits(kernel.treeDir, [patched('static_locals.c')]);
    await build('klp_below', [patched('static_locals.c')]);
    const [first = 0, second = 0] = (await shown('static_locals')).split(' ').map(Number);
    await load('klp_below');
    expect(await shown('static_locals')).toBe(`${first + 1} ${second + 1} 1`);
    const text = after('static_locals.c');
    const above = text
      .replace("seq_putc(m, '\\n');", 'seq_puts(m, " above\\n");')
      .replace('return ++count;', 'return count += 10;');
    const lines = (all: string): string[] => all.replace(/\n$/, '').split('\n');
    const diff = `--- a/${file}\n+++ b/${file}\n@@ -1,${lines(text).length} +1,${lines(above).length} @@\n${lines(text)
      .map((line) => `-${line}\n`)
      .join('')}${lines(above)
      .map((line) => `+${line}\n`)
      .join('')}`;
    const built = await buildLivepatch({
      kernel,
      diff,
      onto: [{ name: 'below', text: Buffer.from(below) }],
      moduleName: parseModuleName('klp_above'),
      patchId: parsePatchId('cd'.repeat(32)),
      replace: false,
    });
    await writeFile(path.join(bench.folder, 'klp_above.ko'), built.bytes);
    await machine.run('echo klp_above klp_below >/sys/kernel/livepatch/override');
    await load('klp_above');
    expect(await shown('static_locals')).toBe(`${first + 2} ${second + 2} 11 above`);
    expect(await unload('klp_above')).toBe('');
    expect(await shown('static_locals')).toBe(`${first + 3} ${second + 3} 12`);
    expect(await unload('klp_below')).toBe('');
  }, 300_000);

  test('an object that is part of two modules', async () => {
    const both = async (): Promise<string> => {
      const ko = (which: string): string => `'${path.join(kernel.treeDir, folder, `both_${which}.ko`)}'`;
      const commands = [
        `insmod ${ko('one')}`,
        `insmod ${ko('two')}`,
        'cat /proc/lockstep_both_*',
        'rmmod both_one both_two',
      ];
      return (await machine.run(commands.join('; '))).trim();
    };
    expect(await both()).toBe('one 1\ntwo 1');
    await build('klp_both', [patched('both_shared.c')]);
    await load('klp_both');
    expect(await both()).toBe('one 51\ntwo 51');
    expect(await unload('klp_both')).toBe('');
  }, 300_000);
});
