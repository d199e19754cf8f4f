// SPDX-License-Identifier: GPL-2.0-only
import { statSync, type Dirent } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../processes/errno';
import { runCommand, type CommandOptions } from '../processes/run-command';
import { linkOrCopy } from './staged-tree';

export interface CopyOptions extends Pick<CommandOptions, 'signal' | 'inheritedDescriptor'> {
  /** `linked` by default: whoever writes into the copy then does not write into sources in place. */
  readonly sources?: 'linked' | 'copied' | undefined;
}

/** Names for one cp: well below what a command line may hold. */
const namesAtOnce = 1000;

/**
 * Copies a built tree so that make goes on where it ended: times are kept to the nanosecond. Sources, most of the bytes,
 * may be hard links; whatever make or its scripts may write into is a copy of its own.
 */
export async function copyBuild(
  from: string,
  to: string,
  { sources: as = 'linked', ...options }: CopyOptions = {},
): Promise<void> {
  const configuredAtMs = statSync(join(from, '.config')).mtimeMs;
  const products: string[] = [];
  const visit = async (below: string): Promise<void> => {
    options.signal?.throwIfAborted();
    await mkdir(join(to, below), { recursive: true });
    const entries = await readdir(join(from, below), { withFileTypes: true });
    const names = new Set(entries.map(({ name }) => name));
    const files = entries.filter((entry) => !entry.isDirectory());
    const isLinked = (entry: Dirent): boolean =>
      as === 'linked' && isSource(join(from, below), entry, names, configuredAtMs);
    const sources = files.filter(isLinked);
    products.push(...files.filter((entry) => !sources.includes(entry)).map(({ name }) => join(below, name)));
    await Promise.all(sources.map(async ({ name }) => linkOrCopy(join(from, below, name), join(to, below, name))));
    for (const entry of entries) {
      if (entry.isDirectory() && (below !== '' || entry.name !== '.git')) await visit(join(below, entry.name));
    }
  };
  await visit('');
  for (let at = 0; at < products.length; at += namesAtOnce) {
    const names = products.slice(at, at + namesAtOnce);
    const args = ['-a', '--reflink=auto', '--parents', '-t', to, '--', ...names];
    const { status, output } = await runCommand('cp', args, { cwd: from, ...options });
    if (status !== 0) throw new Error(`cp from ${from} ended with status ${status}:\n${output}`);
  }
  await moveSavedCommands(from, to);
}

/** Programs of the build are saved with absolute paths; as they are, make would build them, and then all, anew. */
export async function moveSavedCommands(from: string, to: string): Promise<void> {
  for (const top of ['tools', 'scripts']) {
    const files = await readdir(join(to, top), { recursive: true }).catch(nothingIfMissing);
    for (const file of files.filter((name) => name.endsWith('.cmd'))) {
      const path = join(to, top, file);
      const text = await readFile(path, 'latin1');
      if (text.includes(from)) await writeFile(path, text.replaceAll(from, to), 'latin1');
    }
  }
}

function nothingIfMissing(error: unknown): string[] {
  if (isMissing(error)) return [];
  throw error;
}

/** Older than the configuration and made by no saved command: nothing that the build has written. */
function isSource(dir: string, entry: Dirent, names: ReadonlySet<string>, configuredAtMs: number): boolean {
  const { name } = entry;
  if (!entry.isFile() || !/\.(?:[chS]|rst|txt|dtsi?|json|yaml|svg)$/.test(name) || names.has(`.${name}.cmd`))
    return false;
  return statSync(join(dir, name)).mtimeMs < configuredAtMs;
}
