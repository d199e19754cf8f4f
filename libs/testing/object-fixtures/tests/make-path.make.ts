// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import {
  buildLivepatch,
  defaultCacheDirectory,
  planPatch,
  registerKernelBuild,
  sourceIdentity,
  type BuiltLivepatch,
  type KernelBuild,
} from '@lockstep/io/kernel-builder';
import { buildTestKernel, kernelTestSetupMs } from '@lockstep/testing/qemu-machine';

const minuteMs = 60_000;
let cacheDir: string;
let kernel: KernelBuild;

beforeAll(async () => {
  const { treeDir } = await buildTestKernel();
  cacheDir = await mkdtemp(join(defaultCacheDirectory(), 'test-'));
  kernel = await registerKernelBuild({ path: treeDir, cacheDir });
}, kernelTestSetupMs);

afterAll(async () => {
  await rm(cacheDir, { recursive: true, force: true });
}, 5 * minuteMs);

/** One line replaced, found by what it says, with what stands around it. */
async function replace(file: string, line: string, ...by: string[]): Promise<string> {
  const lines = (await readFile(join(kernel.treeDir, file), 'latin1')).replace(/\n$/, '').split('\n');
  const at = lines.indexOf(line);
  if (at < 0) throw new Error(`${file} has no line "${line}"`);
  const from = Math.max(0, at - 3);
  const [before, after] = [lines.slice(from, at), lines.slice(at + 1, at + 4)];
  const length = before.length + after.length;
  const hunk = [
    `@@ -${from + 1},${length + 1} +${from + 1},${length + by.length} @@`,
    ...before.map((text) => ` ${text}`),
    `-${line}`,
    ...by.map((text) => `+${text}`),
    ...after.map((text) => ` ${text}`),
  ];
  return `--- a/${file}\n+++ b/${file}\n${hunk.join('\n')}\n`;
}

function create(file: string, ...lines: string[]): string {
  const added = lines.map((text) => `+${text}\n`).join('');
  return `--- /dev/null\n+++ b/${file}\n@@ -0,0 +1,${lines.length} @@\n${added}`;
}

async function build(diff: string): Promise<BuiltLivepatch> {
  const named = { moduleName: parseModuleName('made'), patchId: parsePatchId('0'.repeat(64)), replace: false };
  return buildLivepatch({ kernel, diff: [{ name: '', text: diff, mayChangeBuild: true }], ...named });
}

describe('what replaying saved commands cannot prove right', () => {
  test(
    'a new file, a makefile and a generated header are built through make, and the tree is not touched',
    async () => {
      const before = await sourceIdentity(kernel.treeDir, cacheDir);
      const call = '\tarch_report_meminfo(m);';
      const makefile = await readFile(join(kernel.treeDir, 'fs/proc/Makefile'), 'latin1');
      const lastLine = makefile.split('\n').findLast((line) => line.startsWith('proc-')) ?? '';
      const extra = ['#include <linux/seq_file.h>', 'extern void lockstep_extra(struct seq_file *m);'];
      const diff = [
        await replace('fs/proc/meminfo.c', call, call, '\tlockstep_extra(m);'),
        await replace('fs/proc/meminfo.c', '#include <linux/seq_file.h>', ...extra).then(hunksOnly),
        await replace('fs/proc/Makefile', lastLine, lastLine, 'proc-y += lockstep_extra.o'),
        create(
          'fs/proc/lockstep_extra.c',
          ...extra,
          'void lockstep_extra(struct seq_file *m)',
          '{',
          '\tseq_puts(m, "extra\\n");',
          '}',
        ),
        await replace('arch/x86/kernel/asm-offsets.c', '\tBLANK();', '\tDEFINE(LOCKSTEP_EXTRA, 5);', '\tBLANK();'),
      ];
      // Hunks of one file go together, in order.
      const [late = '', early = '', ...others] = diff;
      const [from = '', to = '', ...hunk] = late.split('\n');
      const built = await build([from, to, early.replace(/\n$/, ''), ...hunk].join('\n') + others.join(''));
      expect(built.path).toBe('make');
      expect(built.makeReasons).toEqual([
        expect.stringContaining('fs/proc/Makefile'),
        expect.stringContaining('asm-offsets.s'),
      ]);
      expect(built.functions.map(({ name }) => name)).toEqual(['meminfo_proc_show']);
      expect(built.objects.flatMap(({ diff: { newFunctions } }) => newFunctions)).toEqual(['lockstep_extra']);
      expect(await sourceIdentity(kernel.treeDir, cacheDir)).toBe(before);
      expect((await readdir(join(kernel.dir, 'made'))).filter((name) => !name.endsWith('.lock'))).toEqual([]);
    },
    20 * minuteMs,
  );

  test(
    'a change of the configuration is refused, naming the option',
    async () => {
      const option = ['config LOCKSTEP_EXTRA', '\tbool "extra"', '\tdefault y', ''];
      const first = (await readFile(join(kernel.treeDir, 'fs/proc/Kconfig'), 'latin1')).split('\n')[1] ?? '';
      const diff = await replace('fs/proc/Kconfig', first, ...option, first);
      await expect(build(diff)).rejects.toMatchObject({
        reason: 'unsupported-change',
        fields: { file: '.config', reason: expect.stringContaining('CONFIG_LOCKSTEP_EXTRA=y') as unknown },
      });
    },
    20 * minuteMs,
  );

  test(
    'what make cannot build says why; assembly that changes is refused at once',
    async () => {
      const makefile = (await readFile(join(kernel.treeDir, 'fs/proc/Makefile'), 'latin1')).split('\n');
      const line = makefile.findLast((text) => text.startsWith('proc-')) ?? '';
      const missing = await replace('fs/proc/Makefile', line, line, 'proc-y += lockstep_none.o');
      await expect(build(missing)).rejects.toMatchObject({
        reason: 'make-failed',
        message: expect.stringContaining('lockstep_none') as unknown,
      });
      const assembly = await replace('arch/x86/lib/getuser.S', '#include <asm/asm.h>', '#include <asm/asm.h>', '\tnop');
      await expect(planPatch({ kernel, diff: assembly })).rejects.toMatchObject({
        reason: 'unsupported-change',
        fields: { file: 'arch/x86/lib/getuser.o' },
      });
    },
    20 * minuteMs,
  );
});

function hunksOnly(diff: string): string {
  return diff.split('\n').slice(2).join('\n');
}
