// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NamedDiff } from '@lockstep/io/kernel-builder';
import { kernelTestSetupMs, testKernelFlavour } from '@lockstep/testing/qemu-machine';
import { wholeFileDiff } from '../index';
import { PatchableMachine } from '../patchable-machine';

const source = 'fs/proc/cmdline.c';
const begin = 'static int cmdline_proc_show(';
const end = "seq_putc(m, '\\n');";
/** Only the patch below has it: what is built onto that takes a copy along. */
const helper =
  'static noinline void lockstep_say(struct seq_file *m, int what)\n{\n\tseq_printf(m, "said %d\\n", what);\n}\n\n';

let machine: PatchableMachine;
let below: NamedDiff;
let above: NamedDiff;

const diffOf = (name: string, before: string, after: string): NamedDiff => ({
  name,
  text: wholeFileDiff(source, before, after),
});

async function build(...asked: Parameters<PatchableMachine['build']>): Promise<string[]> {
  const { functions } = await machine.build(...asked);
  return functions.map((fn) => fn.name);
}

/** Loads it; returns what is said then, and what is loaded. */
async function load(name: string): Promise<string> {
  await machine.load(name);
  return machine.run('grep said /proc/cmdline; ls -d /sys/kernel/livepatch/klp_*');
}

describe('patches built onto others, in a real kernel', () => {
  beforeAll(async () => {
    machine = await PatchableMachine.start({ name: 'stacked-patch', flavour: testKernelFlavour() });
    const text = await readFile(path.join(machine.kernel.treeDir, source), 'latin1');
    const withBelow = text.replace(begin, helper + begin).replace(end, `${end}\n\tlockstep_say(m, 1);`);
    below = diffOf('below', text, withBelow);
    above = diffOf('above', withBelow, withBelow.replace('say(m, 1);', 'say(m, 1);\n\tlockstep_say(m, 2);'));
  }, kernelTestSetupMs);

  afterAll(() => machine[Symbol.asyncDispose]());

  test('the one above runs both changes, with its own copy of what only the one below has', async () => {
    await build('klp_below', [below]);
    expect(await load('klp_below')).toBe('said 1\n/sys/kernel/livepatch/klp_below\n');
    expect(await build('klp_above', [above], { onto: [below] })).toEqual(['cmdline_proc_show']);
    await machine.run('echo klp_above klp_below >/sys/kernel/livepatch/override');
    expect(await load('klp_above')).toMatch(/^said 1\nsaid 2\n/);
  }, 300_000);

  test('a cumulative one takes the place of both', async () => {
    expect(await build('klp_all', [below, above], { replace: true })).toEqual(['cmdline_proc_show']);
    expect(await load('klp_all')).toBe('said 1\nsaid 2\n/sys/kernel/livepatch/klp_all\n');
  }, 300_000);
});
