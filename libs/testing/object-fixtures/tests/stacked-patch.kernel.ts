// SPDX-License-Identifier: GPL-2.0-only
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import {
  buildLivepatch,
  defaultCacheDirectory,
  registerKernelBuild,
  type KernelBuild,
  type NamedDiff,
} from '@lockstep/io/kernel-builder';
import {
  kernelTestSetupMs,
  startTestMachine,
  testKernelFlavour,
  type QemuMachine,
  type TestMachine,
} from '@lockstep/testing/qemu-machine';

const source = 'fs/proc/cmdline.c';
const begin = 'static int cmdline_proc_show(';
const end = "seq_putc(m, '\\n');";
/** Only the patch below has it: what is built onto that takes a copy along. */
const helper =
  'static noinline void lockstep_say(struct seq_file *m, int what)\n{\n\tseq_printf(m, "said %d\\n", what);\n}\n\n';

let bench: TestMachine;
let dir = '';
let kernel: KernelBuild;
let machine: QemuMachine;
let below: NamedDiff;
let above: NamedDiff;

/** A diff of the whole file. */
function diffOf(name: string, before: string, after: string): NamedDiff {
  const [old, now] = [before, after].map((text) => text.replace(/\n$/, '').split('\n'));
  const head = `--- a/${source}\n+++ b/${source}\n@@ -1,${old?.length ?? 0} +1,${now?.length ?? 0} @@\n`;
  const lines = [...(old ?? []).map((line) => `-${line}`), ...(now ?? []).map((line) => `+${line}`)];
  return { name, text: `${head}${lines.join('\n')}\n` };
}

async function build(name: string, diff: readonly NamedDiff[], onto: readonly NamedDiff[] = []) {
  const named = { moduleName: parseModuleName(name), patchId: parsePatchId('ab'.repeat(32)) };
  const { bytes, functions } = await buildLivepatch({ kernel, diff, onto, replace: name === 'klp_all', ...named });
  const ko = path.join(dir, `${name}.ko`);
  await writeFile(ko, bytes);
  return { ko, functions: functions.map((fn) => fn.name) };
}

const load = (ko: string, name: string): Promise<string> =>
  machine.run(
    `insmod '${ko}'; while [ "$(cat /sys/kernel/livepatch/${name}/transition)" != 0 ]; do sleep 0.1; done
     grep said /proc/cmdline; ls -d /sys/kernel/livepatch/klp_*`,
  );

describe('patches built onto others, in a real kernel', () => {
  beforeAll(async () => {
    bench = await startTestMachine({ name: 'stacked-patch', flavour: testKernelFlavour() });
    ({ machine, folder: dir } = bench);
    kernel = await registerKernelBuild({ path: bench.kernel.treeDir, cacheDir: defaultCacheDirectory() });
    const text = await readFile(path.join(kernel.treeDir, source), 'latin1');
    const withBelow = text.replace(begin, helper + begin).replace(end, `${end}\n\tlockstep_say(m, 1);`);
    below = diffOf('below', text, withBelow);
    above = diffOf('above', withBelow, withBelow.replace('say(m, 1);', 'say(m, 1);\n\tlockstep_say(m, 2);'));
  }, kernelTestSetupMs);

  afterAll(() => bench[Symbol.asyncDispose](), 60_000);

  test('the one above runs both changes, with its own copy of what only the one below has', async () => {
    const first = await build('klp_below', [below]);
    expect(await load(first.ko, 'klp_below')).toBe('said 1\n/sys/kernel/livepatch/klp_below\n');
    const second = await build('klp_above', [above], [below]);
    expect(second.functions).toEqual(['cmdline_proc_show']);
    await machine.run('echo klp_above klp_below >/sys/kernel/livepatch/override');
    expect(await load(second.ko, 'klp_above')).toMatch(/^said 1\nsaid 2\n/);
  }, 300_000);

  test('a cumulative one takes the place of both', async () => {
    const { ko, functions } = await build('klp_all', [below, above]);
    expect(functions).toEqual(['cmdline_proc_show']);
    expect(await load(ko, 'klp_all')).toBe('said 1\nsaid 2\n/sys/kernel/livepatch/klp_all\n');
  }, 300_000);
});
