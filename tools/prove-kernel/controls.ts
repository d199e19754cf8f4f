// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { IndexedObject } from '@lockstep/domain/source-patch';
import { ObjectCompiler, provideOriginals, runCommand, type KernelBuild } from '@lockstep/io/kernel-builder';

/** What a control did to a kernel's tree, and what became of it. */
export interface Control {
  readonly name: string;
  readonly objectPath: string;
  /** The refusal; null: nobody noticed. */
  readonly caughtBy: string | null;
}

interface Change {
  readonly name: string;
  readonly objectPaths: readonly string[];
  readonly apply: (kernel: KernelBuild) => Promise<KernelBuild>;
}

const make = async ({ treeDir, tools }: KernelBuild, ...args: string[]): Promise<void> => {
  await run('make', '-s', '-C', treeDir, ...tools.makeArguments, `-j${availableParallelism()}`, ...args);
};

async function replace(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(file, 'latin1');
  if (!text.includes(from)) throw new Error(`${file} has no "${from}"`);
  await writeFile(file, text.replace(from, to), 'latin1');
}

const functionChanged: Change = {
  name: 'one function changed',
  objectPaths: ['fs/open.o', 'fs/namei.o'],
  apply: async (kernel) => {
    await replace(path.join(kernel.treeDir, 'fs/open.c'), '\tif (length < 0)\n', '\tif (length < 1)\n');
    await replace(
      path.join(kernel.treeDir, 'fs/namei.c'),
      'total_link_count++ >= MAXSYMLINKS',
      'total_link_count++ > MAXSYMLINKS',
    );
    return kernel;
  },
};

const optionFlipped: Change = {
  name: 'one config symbol flipped (SLAB_FREELIST_HARDENED)',
  objectPaths: ['mm/slub.o', 'mm/slab_common.o'],
  apply: async (kernel) => {
    await replace(
      path.join(kernel.treeDir, '.config'),
      'CONFIG_SLAB_FREELIST_HARDENED=y',
      '# CONFIG_SLAB_FREELIST_HARDENED is not set',
    );
    await make(kernel, 'olddefconfig');
    await make(kernel, 'modules_prepare');
    return kernel;
  },
};

const compiledBy = (compiler: string): Change => ({
  name: `compiled by ${compiler}`,
  objectPaths: ['fs/open.o', 'mm/mmap.o', 'net/core/sock.o'],
  apply: async (kernel) => {
    const { makeArguments } = kernel.tools;
    const others = makeArguments.filter((argument) => !argument.startsWith('CC='));
    const changed = { ...kernel, tools: { compiler, makeArguments: [...others, `CC=${compiler}`] } };
    await make(changed, 'olddefconfig');
    await make(changed, 'modules_prepare');
    return changed;
  },
});

export interface ControlOptions {
  /** Another compiler that is installed here; undefined: that control is left out. */
  readonly compiler: string | undefined;
  /** For the copies of the tree; made. */
  readonly dir: string;
  readonly onStart: (name: string) => void;
}

/**
 * What a proof is worth: trees that are not the vendor's, in one thing each, must be refused. Each works in a copy of the registered
 * tree, which is left alone.
 */
export async function runControls(kernel: KernelBuild, options: ControlOptions): Promise<Control[]> {
  const { compiler, dir, onStart } = options;
  const changes = [functionChanged, optionFlipped, ...(compiler === undefined ? [] : [compiledBy(compiler)])];
  const controls: Control[] = [];
  for (const [number, { name, objectPaths, apply }] of changes.entries()) {
    onStart(name);
    const copy = path.join(dir, String(number));
    await mkdir(copy);
    await copyWithoutObjects(kernel.treeDir, path.join(copy, 'tree'));
    const changed = await apply({ ...kernel, dir: copy, treeDir: path.join(copy, 'tree') });
    for (const objectPath of objectPaths) {
      const object = objectNamed(kernel, objectPath);
      const caughtBy = await provideOriginals(changed, [object]).then(
        () => null,
        (error: unknown) => {
          // One that could not be compiled says nothing of the proof.
          if (error instanceof LockstepError && error.reason === 'original-differs') return error.message;
          throw error;
        },
      );
      controls.push({ name, objectPath, caughtBy });
    }
    await rm(copy, { recursive: true });
  }
  return controls;
}

function objectNamed(kernel: KernelBuild, objectPath: string): IndexedObject {
  const found = ObjectCompiler.objectsOf(kernel).find(({ path: one }) => one === objectPath);
  if (found === undefined) throw new Error(`the kernel has no ${objectPath}`);
  return found;
}

/** Objects that were compiled before would not be made again; those of the build's own tools are needed. */
async function copyWithoutObjects(from: string, to: string): Promise<void> {
  await run('cp', '-a', '--reflink=auto', from, to);
  const tools = ['(', '-path', path.join(to, 'scripts'), '-o', '-path', path.join(to, 'tools'), ')', '-prune'];
  const objects = ['(', '-name', '*.o', '-o', '-name', '.*.o.cmd', ')', '-type', 'f'];
  await run('find', to, ...tools, '-o', ...objects, '-exec', 'rm', '{}', '+');
}

async function run(command: string, ...args: string[]): Promise<void> {
  const { status, output } = await runCommand(command, args);
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with status ${status}: ${output.slice(-2_000)}`);
}
