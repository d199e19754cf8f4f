// SPDX-License-Identifier: GPL-2.0-only
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TableLayouts } from '@lockstep/domain/object-diff';
import type { KernelBuild } from '@lockstep/io/kernel-builder';
import { runCommand } from '@lockstep/io/kernel-builder/run-command';

export type PeerResult =
  | { readonly kind: 'changed'; readonly functions: readonly string[]; readonly seconds: number }
  | { readonly kind: 'unchanged'; readonly seconds: number }
  | { readonly kind: 'refused'; readonly message: string; readonly seconds: number }
  | { readonly kind: 'too-slow'; readonly limitSeconds: number };

/** Its exit status for two objects that mean the same. */
const noChange = 3;

/** create-diff-object, which compares two objects and writes what changed. */
export class CreateDiffObject {
  private constructor(
    private readonly program: string,
    private readonly symbolFile: string,
    private readonly symversFile: string,
    private readonly env: Readonly<Record<string, string>>,
    private readonly outputFile: string,
  ) {}

  /** Gives it what it reads: the kernel's symbols as text and the sizes of its tables. */
  static async prepare(program: string, kernel: KernelBuild, dir: string): Promise<CreateDiffObject> {
    const symbolFile = path.join(dir, 'vmlinux.symtab');
    const { status, output } = await runCommand('readelf', ['-s', '--wide', path.join(kernel.treeDir, 'vmlinux')]);
    if (status !== 0) throw new Error(output);
    await writeFile(symbolFile, output);
    const symversFile = path.join(kernel.treeDir, 'Module.symvers');
    const env = peerSizes(kernel.facts.tables);
    return new CreateDiffObject(path.resolve(program), symbolFile, symversFile, env, path.join(dir, 'peer.o'));
  }

  async compare(original: string, patched: string, limitSeconds: number): Promise<PeerResult> {
    const args = [original, patched, 'vmlinux', this.symbolFile, this.symversFile, 'bench', this.outputFile];
    const started = performance.now();
    const signal = AbortSignal.timeout(limitSeconds * 1000);
    try {
      const { status, output } = await runCommand(this.program, args, { env: { ...process.env, ...this.env }, signal });
      const seconds = (performance.now() - started) / 1000;
      const functions = [...output.matchAll(/(?:changed|new) function: (\S+)/g)].map((match) => match[1] ?? '');
      if (status === 0) return { kind: 'changed', functions, seconds };
      if (status === noChange) return { kind: 'unchanged', seconds };
      return { kind: 'refused', message: output.trim().slice(-300), seconds };
    } catch (error) {
      if (signal.aborted) return { kind: 'too-slow', limitSeconds };
      throw error;
    }
  }
}

/** Sizes that it does not read itself, as environment variables. */
function peerSizes(tables: TableLayouts): Record<string, string> {
  return {
    BUG_STRUCT_SIZE: String(tables.bugEntryBytes),
    EX_STRUCT_SIZE: String(tables.exceptionEntryBytes),
    JUMP_STRUCT_SIZE: String(tables.jumpEntryBytes),
    ALT_STRUCT_SIZE: String(tables.alternativeEntryBytes),
    STATIC_CALL_STRUCT_SIZE: String(tables.staticCallEntryBytes),
    ORC_STRUCT_SIZE: String(tables.orcEntryBytes),
    PARA_STRUCT_SIZE: String(tables.paravirtEntryBytes),
    // struct pi_entry: four pointers, a line number and two pointers; only there with CONFIG_PRINTK_INDEX.
    PRINTK_INDEX_STRUCT_SIZE: '48',
  };
}
