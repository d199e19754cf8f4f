// SPDX-License-Identifier: GPL-2.0-only
import { statSync, type Dirent } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command';
import { linkOrCopy } from './staged-tree';

/** Names for one cp: well below what a command line may hold. */
const namesAtOnce = 1000;

/**
 * Copies a built tree so that make goes on where it ended: times are kept to the nanosecond. Sources, most of the bytes,
 * are hard links; whatever make or its scripts may write into is a copy of its own.
 */
export async function copyBuild(from: string, to: string, signal?: AbortSignal): Promise<void> {
  const configuredAtMs = statSync(join(from, '.config')).mtimeMs;
  const products: string[] = [];
  const visit = async (below: string): Promise<void> => {
    signal?.throwIfAborted();
    await mkdir(join(to, below), { recursive: true });
    const entries = await readdir(join(from, below), { withFileTypes: true });
    const names = new Set(entries.map(({ name }) => name));
    const files = entries.filter((entry) => !entry.isDirectory());
    const sources = files.filter((entry) => isSource(join(from, below), entry, names, configuredAtMs));
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
    const { status, output } = await runCommand('cp', args, { cwd: from, signal });
    if (status !== 0) throw new Error(`cp from ${from} ended with status ${status}:\n${output}`);
  }
}

/** Older than the configuration and made by no saved command: nothing that the build has written. */
function isSource(dir: string, entry: Dirent, names: ReadonlySet<string>, configuredAtMs: number): boolean {
  const { name } = entry;
  if (!entry.isFile() || !/\.(?:[chS]|rst|txt|dtsi?|json|yaml|svg)$/.test(name) || names.has(`.${name}.cmd`))
    return false;
  return statSync(join(dir, name)).mtimeMs < configuredAtMs;
}
