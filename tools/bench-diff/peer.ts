// SPDX-License-Identifier: GPL-2.0-only
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TableLayouts } from '@lockstep/domain/object-diff';
import { runCommand, type KernelBuild } from '@lockstep/io/kernel-builder';

export type PeerResult =
  | {
      readonly kind: 'changed';
      readonly changed: readonly string[];
      /** Functions that only the patched object has. */
      readonly added: readonly string[];
      readonly seconds: number;
    }
  | { readonly kind: 'unchanged'; readonly seconds: number }
  | { readonly kind: 'refused'; readonly message: string; readonly seconds: number }
  | { readonly kind: 'too-slow'; readonly limitSeconds: number };

/** Its exit status for two objects that mean the same. */
const noChange = 3;

/** What it reads beside the two objects. */
interface PeerInputs {
  /** The kernel's symbols as text. */
  readonly symbolFile: string;
  readonly symversFile: string;
  /** Sizes of table entries that it does not read itself, by the names that it knows. */
  readonly sizes: Readonly<Record<string, string>>;
}

/** create-diff-object, which compares two objects and writes what changed. */
export class CreateDiffObject {
  private constructor(
    private readonly program: string,
    private readonly inputs: PeerInputs,
    private readonly outputFile: string,
  ) {}

  static async forKernel(program: string, kernel: KernelBuild, dir: string): Promise<CreateDiffObject> {
    const symbolFile = await listSymbols(path.join(kernel.treeDir, 'vmlinux'), dir);
    const symversFile = path.join(kernel.treeDir, 'Module.symvers');
    const inputs = { symbolFile, symversFile, sizes: peerSizes(kernel.facts.tables) };
    return new CreateDiffObject(path.resolve(program), inputs, path.join(dir, 'peer.o'));
  }

  /** For an object whose kernel is not at hand: its own symbols stand for the kernel's. */
  static async forObject(
    program: string,
    original: string,
    sizes: Readonly<Record<string, string>>,
    dir: string,
  ): Promise<CreateDiffObject> {
    const inputs = { symbolFile: await listSymbols(original, dir), symversFile: '/dev/null', sizes };
    return new CreateDiffObject(path.resolve(program), inputs, path.join(dir, 'peer.o'));
  }

  async compare(original: string, patched: string, limitSeconds: number): Promise<PeerResult> {
    const { symbolFile, symversFile, sizes } = this.inputs;
    const args = [original, patched, 'vmlinux', symbolFile, symversFile, 'bench', this.outputFile];
    const started = performance.now();
    const signal = AbortSignal.timeout(limitSeconds * 1000);
    try {
      const { status, output } = await runCommand(this.program, args, { env: { ...process.env, ...sizes }, signal });
      const seconds = (performance.now() - started) / 1000;
      const named = (word: string) =>
        [...output.matchAll(new RegExp(`${word} function: (\\S+)`, 'g'))].map((match) => match[1] ?? '');
      if (status === 0) return { kind: 'changed', changed: named('changed'), added: named('new'), seconds };
      if (status === noChange) return { kind: 'unchanged', seconds };
      return { kind: 'refused', message: output.trim().slice(-300), seconds };
    } catch (error) {
      if (signal.aborted) return { kind: 'too-slow', limitSeconds };
      throw error;
    }
  }
}

async function listSymbols(file: string, dir: string): Promise<string> {
  const symbolFile = path.join(dir, 'symbols.txt');
  const { status, output } = await runCommand('readelf', ['-s', '--wide', file]);
  if (status !== 0) throw new Error(output);
  await writeFile(symbolFile, output);
  return symbolFile;
}

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
