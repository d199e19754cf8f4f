// SPDX-License-Identifier: GPL-2.0-only
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand, type BuiltKernel } from '@lockstep/io/kernel-builder';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { addedLines } from './added-lines';
import { trySeriesAgainst } from './series-against';
import type { SuiteResult } from './suite-result';
import { wholePatches } from './whole-patches';

function filesBelow(dir: string, wanted: RegExp): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((file) => path.join(dir, file))
    .filter((file) => wanted.test(file) && statSync(file).isFile())
    .sort();
}

/** A patch is given as its text: with a name in a git repository it would be judged as a source file. */
type Subject = { readonly patch: string } | { readonly file: string };

/** The kernel's own judge of style, of the tree that was built. Empty when it has nothing to say. */
async function checkpatch({ treeDir }: BuiltKernel, scratchDir: string, subject: Subject): Promise<string> {
  const options = ['--strict', '--quiet', '--no-summary', `--root=${treeDir}`];
  const judged = path.join(scratchDir, 'judged.patch');
  if ('patch' in subject) {
    writeFileSync(judged, subject.patch);
    // Who maintains our files is for the tree that takes them to say; names are judged in the files themselves, where those
    // of the architecture (Elf_Shdr) are known.
    options.push('--ignore=FILE_PATH_CHANGES,CAMELCASE');
  }
  const input = 'patch' in subject ? [judged] : ['--file', subject.file];
  const command = [path.join(treeDir, 'scripts/checkpatch.pl'), ...options, ...input];
  // It keeps a file of its own where it runs.
  const { status, output } = await runCommand('perl', command, { cwd: scratchDir });
  return status === 0 ? '' : output.trim() || `checkpatch.pl ended with status ${status}`;
}

/**
 * The series with our files in it, these files and the selftests' C files under `checkpatch.pl --strict`, each file a case; and of
 * each tree in `against` whether the series of its version applies.
 */
export async function checkStyle(root: string, kernel: BuiltKernel, against: readonly string[]): Promise<SuiteResult> {
  const dir = path.join(root, 'kernel-livepatch');
  const patchesDir = path.join(dir, `linux-${kernel.version}/patches`);
  const patches = wholePatches(dir, kernel.version);
  const files = [
    ...filesBelow(path.join(dir, 'files'), /\.[ch]$|\.rst$|\/ABI\//),
    ...filesBelow(path.join(dir, 'selftests'), /\.[ch]$/),
  ];
  const passed: string[] = [];
  const failed: string[] = [];
  const record = (file: string, complaint: string): void => {
    const name = path.relative(dir, file);
    if (complaint === '') passed.push(name);
    else failed.push(`${name}\n${complaint}`);
  };
  using scratch = ScratchDirectory.create('style');
  for (const { name, text } of patches) {
    record(path.join(patchesDir, name), await checkpatch(kernel, scratch.path, { patch: text }));
  }
  for (const file of files) record(file, await checkpatch(kernel, scratch.path, { file }));
  for (const { name, complaint } of await trySeriesAgainst(root, against)) {
    const subject = `the series on ${name}`;
    if (complaint === undefined) passed.push(subject);
    else failed.push(`${subject}\n${complaint}`);
  }
  const added = patches.map(({ name }) => addedLines(readFileSync(path.join(patchesDir, name), 'utf8')));
  const sum = added.reduce((a, b) => a + b, 0);
  const note = `the series adds ${sum} lines to existing files, patch by patch ${added.join(' + ')}`;
  return { suite: 'style', passed, failed, note };
}
