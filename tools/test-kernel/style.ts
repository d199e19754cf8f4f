// SPDX-License-Identifier: GPL-2.0-only
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { BuiltKernel } from '@lockstep/io/kernel-builder';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { addedLines } from './added-lines';
import type { SuiteResult } from './suites';

function filesBelow(dir: string, wanted: RegExp): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((file) => path.join(dir, file))
    .filter((file) => wanted.test(file) && statSync(file).isFile())
    .sort();
}

/** The kernel's own judge of style, of the tree that was built. Empty when it has nothing to say. */
function checkpatch({ treeDir }: BuiltKernel, workDir: string, input: { patch: string } | { file: string }): string {
  const script = path.join(treeDir, 'scripts/checkpatch.pl');
  // A patch that is a file of a git repository would be judged as a source file: it goes through standard input.
  const subject = 'patch' in input ? ['-'] : ['--file', input.file];
  const options = ['--strict', '--quiet', '--no-summary', `--root=${treeDir}`, ...subject];
  const { status, stdout, stderr } = spawnSync('perl', [script, ...options], {
    encoding: 'utf8',
    // It keeps a file of its own where it runs.
    cwd: workDir,
    input: 'patch' in input ? input.patch : '',
  });
  return status === 0 ? '' : `${stdout}${stderr}`.trim() || `checkpatch.pl ended with status ${String(status)}`;
}

/** The series, our files in the kernel and the selftests' C files under `checkpatch.pl --strict`, each file a case. */
export function checkStyle(root: string, kernel: BuiltKernel): SuiteResult {
  const dir = path.join(root, 'kernel-livepatch');
  const patches = filesBelow(path.join(dir, `linux-${kernel.version}/patches`), /\.patch$/);
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
  for (const file of patches) record(file, checkpatch(kernel, scratch.path, { patch: readFileSync(file, 'utf8') }));
  for (const file of files) record(file, checkpatch(kernel, scratch.path, { file }));
  const added = patches.map((file) => addedLines(readFileSync(file, 'utf8')));
  const sum = added.reduce((a, b) => a + b, 0);
  const note = `the series adds ${sum} lines to existing files, patch by patch ${added.join(' + ')}`;
  return { suite: 'style', passed, failed, note };
}
