// SPDX-License-Identifier: GPL-2.0-only
import { constants } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { buildError } from '../processes/failure';
import { compilerLimits } from '../processes/limits';
import type { CommandResult } from '../processes/run-command';
import { isSandboxed, runSandboxed } from '../processes/sandbox';
import { inMemory, quoted, readOnly, writable } from '../processes/sandbox-view';

export interface TreeCommand {
  /** The tree's root; saved commands run there. */
  readonly dir: string;
  /** For a shell. */
  readonly command: string;
  /** What runs, for errors. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a command that only reads the tree and answers through its output. */
export async function readInTree({ dir, command, what, signal }: TreeCommand): Promise<CommandResult> {
  const options = { what, cwd: dir, mounts: [readOnly(dir)], limits: compilerLimits(), signal };
  return runSandboxed('sh', ['-e', '-c', command], options);
}

/** The file that it made; undefined where it failed. */
export interface MadeFile extends CommandResult {
  readonly bytes: Buffer | undefined;
}

/**
 * Runs a command that makes one file of the tree, and takes that away again. Sandboxed, it finds the tree as it is and
 * cannot change it, though all its files may be links to the registered kernel's: what it writes beside the file goes into
 * a folder in memory, which shows the tree's as links.
 * @param target what it makes, below the tree's root
 */
export async function makeInTree(target: string, task: TreeCommand): Promise<MadeFile> {
  const output = join(task.dir, target);
  await rm(output, { force: true });
  if (await isSandboxed()) return makeApart(target, task);
  const result = await readInTree(task);
  if (result.status !== 0) return { ...result, bytes: undefined };
  const bytes = await readFile(output);
  await rm(output);
  return { ...result, bytes };
}

/** Inside: the tree once more, which the links lead to, and the folder that the file is left in. */
const [behind, left] = ['/lockstep-tree', '/lockstep-made'];

async function makeApart(target: string, { dir, command, what, signal }: TreeCommand): Promise<MadeFile> {
  const folder = dirname(target);
  const apart = await mkdtemp(join(tmpdir(), 'lockstep-out-'));
  try {
    const names = await namesBeside(basename(target), join(dir, folder));
    const links = names.map((name) => join(behind, folder, name));
    const mounts = [readOnly(dir), readOnly(dir, behind), inMemory(join(dir, folder), links), writable(apart, left)];
    // As it is: what is a link stays one.
    const script = [command, `mv ${quoted(target)} ${left}`];
    const options = { what, cwd: dir, mounts, limits: compilerLimits(), signal };
    const result = await runSandboxed('sh', ['-e', '-c', script.join('\n')], options);
    if (result.status !== 0) return { ...result, bytes: undefined };
    return { ...result, bytes: await readPlainFile(join(apart, basename(target)), target) };
  } finally {
    // Nobody reads it any more; a folder that was made unreadable is the system's to clear.
    await rm(apart, { recursive: true, force: true }).catch(() => undefined);
  }
}

/**
 * All that a folder has, but for what the command makes and what lies there of an earlier run of it. They are linked in memory
 * by the sandbox itself: a folder has hundreds of files, and a kernel's header a thousand readers.
 */
async function namesBeside(made: string, folder: string): Promise<string[]> {
  // Beside vmlinux.lds lies vmlinux.lds.S, of which it is made.
  const isOfRun = (name: string): boolean => name.startsWith(`${made}.`) && !/\.[chS]$/.test(name);
  return (await readdir(folder)).filter((name) => !name.startsWith('.') && name !== made && !isOfRun(name));
}

/** What a sandboxed command left: never what it links to, never something that has no end. */
async function readPlainFile(path: string, shown: string): Promise<Buffer> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((cause: unknown) => {
    throw buildError({ kind: 'leads-outside', file: shown, found: 'not a plain file' }, { cause });
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw buildError({ kind: 'leads-outside', file: shown, found: 'not a plain file' });
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/**
 * Runs a program of the toolchain on files of one folder, by their names there: they were made from a diff.
 * @throws LockstepError `limit-exceeded`
 */
export async function runInFolder(
  folder: string,
  program: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<CommandResult> {
  const options = { what: program, cwd: folder, mounts: [writable(folder)], limits: compilerLimits(), signal };
  return runSandboxed(program, args, options);
}
