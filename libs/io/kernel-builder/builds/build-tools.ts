// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildError } from '../processes/failure';

/** The programs that a kernel build was made with, as its saved commands call them. */
export interface BuildTools {
  /** `gcc`, `clang-14`, `ccache gcc` */
  readonly compiler: string;
  /** What tells make to use them again (`CC=clang-14`); empty where they are its own choice. */
  readonly makeArguments: readonly string[];
}

/** For each tool: make's variable, its own choice, and a command that every build has saved. */
const savedUses = [
  ['CC', 'gcc', 'kernel/livepatch/.core.o.cmd', /:= ((?:(?!-)\S+ )+)-/],
  ['LD', 'ld', 'arch/x86/entry/vdso/.vdso64.so.dbg.cmd', /:= (\S+) (?:-nostdlib )?-o /],
  ['AR', 'ar', 'kernel/.built-in.a.cmd', /(\S+) cDPrST /],
] as const;

/** @throws LockstepError `not-a-kernel-build` where the compiler's commands are not there */
export async function readBuildTools(treeDir: string): Promise<BuildTools> {
  const makeArguments: string[] = [];
  let compiler = '';
  for (const [variable, usual, file, pattern] of savedUses) {
    const saved = await readFile(join(treeDir, file), 'latin1').catch(() => '');
    const tool = pattern.exec(saved)?.[1]?.trim() ?? '';
    if (variable === 'CC') compiler = tool;
    if (tool !== '' && tool !== usual) makeArguments.push(`${variable}=${tool}`);
  }
  if (compiler !== '') return { compiler, makeArguments };
  const reason = `its ${savedUses[0][2]} holds no compile command`;
  throw buildError({ kind: 'not-a-kernel-build', dir: treeDir, reason });
}
