// SPDX-License-Identifier: GPL-2.0-only
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  makeDependencyIndex,
  namedFiles,
  parseCmdFile,
  type CompiledObject,
  type DependencyIndex,
} from '@lockstep/domain/source-patch';
import { readThinArchive } from './thin-archive';

/** Nothing below them is part of a kernel. `tools` and `scripts` build programs: patch classification refuses those. */
const skipped = new Set(['.git', '.vendor', 'Documentation', 'tools', 'scripts', 'samples', 'LICENSES']);

interface Found {
  compiled: Omit<CompiledObject, 'object'>[];
  generates: Record<string, string>;
  /** Object → `vmlinux` and the modules that it is a part of: mostly one. */
  linkedInto: Map<string, Set<string>>;
}

/** Reads every saved command, archive and module list of a built tree: a second or so for a thousand objects. */
export async function scanBuiltTree(treeDir: string): Promise<DependencyIndex> {
  const { compiled, generates } = await scanSavedCommands(treeDir);
  return makeDependencyIndex(compiled, generates);
}

/** The same as far as a tree is built, for who knows the rest from elsewhere. */
export async function scanSavedCommands(
  treeDir: string,
): Promise<{ compiled: CompiledObject[]; generates: Readonly<Record<string, string>> }> {
  const found: Found = { compiled: [], generates: {}, linkedInto: new Map() };
  await scanDirectory(treeDir, '', found);
  await addHeadObjects(treeDir, found);
  const compiled = found.compiled.map((one) => {
    const [object = null, ...others] = [...(found.linkedInto.get(one.path) ?? [])].sort();
    return { ...one, object, ...(others.length === 0 ? {} : { alsoIn: others }) };
  });
  return { compiled, generates: found.generates };
}

async function scanDirectory(treeDir: string, below: string, found: Found): Promise<void> {
  const entries = await readdir(join(treeDir, below), { withFileTypes: true });
  for (const entry of entries) {
    const path = join(below, entry.name);
    if (entry.isDirectory()) {
      if (below !== '' || !skipped.has(entry.name)) await scanDirectory(treeDir, path, found);
    } else if (entry.name.endsWith('.cmd')) {
      addCommand(await readFile(join(treeDir, path), 'latin1'), found);
    } else if (entry.name === 'built-in.a' || entry.name === 'lib.a') {
      addArchive(path, await readFile(join(treeDir, path)), found);
    } else if (entry.name.endsWith('.mod')) {
      addModule(path, await readFile(join(treeDir, path), 'latin1'), found);
    }
  }
}

function addCommand(text: string, found: Found): void {
  const saved = parseCmdFile(text);
  if (saved === undefined) return;
  const { target, source, dependencies } = saved;
  if (source !== undefined) found.compiled.push({ path: target, source, dependencies });
  else for (const file of namedFiles(saved.command)) if (file !== target) found.generates[file] = target;
}

function link({ linkedInto }: Found, object: string, into: string): void {
  linkedInto.set(object, (linkedInto.get(object) ?? new Set()).add(into));
}

function addArchive(path: string, bytes: Buffer, found: Found): void {
  for (const member of readThinArchive(bytes) ?? []) {
    // Objects for the EFI stub go into the boot loader's image, not into vmlinux.
    if (!member.endsWith('.stub.o')) link(found, join(dirname(path), member), 'vmlinux');
  }
}

/** `fs/overlayfs/overlay.mod` lists what overlay.ko is linked from: on 5.15 in one line, later one a line. */
function addModule(path: string, text: string, found: Found): void {
  const name = basename(path, '.mod').replaceAll('-', '_');
  for (const object of text.split(/\s+/)) if (object.endsWith('.o')) link(found, object, name);
}

/** Up to Linux 6.0 some objects are linked into vmlinux from no archive; only the Makefile names them. */
async function addHeadObjects(treeDir: string, found: Found): Promise<void> {
  const makefile = await readFile(join(treeDir, 'arch/x86/Makefile'), 'utf8').catch(() => '');
  for (const [, words = ''] of makefile.matchAll(/^head-y\s*[:+]?=(.*)$/gm)) {
    const objects = words.replaceAll('$(BITS)', '64').split(/\s+/);
    for (const object of objects) if (object.endsWith('.o')) link(found, object, 'vmlinux');
  }
}
