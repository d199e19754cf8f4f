// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, posix } from 'node:path';
import { makeDependencyIndex } from '@lockstep/domain/source-patch';
import type { KernelBuild } from '@lockstep/io/kernel-builder';
import { fixtureTables } from './compile-c';

/** What gcc builds of a few files, as the tree of a registered kernel holds it. */
export interface MadeKernel extends Disposable {
  readonly kernel: KernelBuild;
  /** A diff that replaces lines of a file. */
  readonly diffOf: (file: string, find: string, put: string) => string;
}

const compiler = 'gcc -O2 -pg -mfentry -fno-pie -fno-asynchronous-unwind-tables -fcf-protection=none';

/** @param files by path; each `.c` becomes an object of vmlinux, and includes headers by paths from where it is */
export function makeKernel(files: Readonly<Record<string, string>>): MadeKernel {
  const dir = mkdtempSync(join(tmpdir(), 'lockstep-made-'));
  const tree = join(dir, 'tree');
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  };
  for (const [path, text] of Object.entries(files)) put(path, text);
  const sources = Object.keys(files).filter((path) => path.endsWith('.c'));
  const objects = sources.map((source) => {
    const [path, dependencies] = [source.replace(/c$/, 'o'), headersOf(source, files)];
    const command = `${compiler} -c -o ${path} ${source}`;
    execFileSync('sh', ['-c', command], { cwd: tree });
    const lines = dependencies.map((header) => `  ${header} \\\n`).join('');
    put(
      posix.join(posix.dirname(path), `.${basename(path)}.cmd`),
      `cmd_${path} := ${command}\n\nsource_${path} := ${source}\n\ndeps_${path} := \\\n${lines}\n`,
    );
    return { path, source, object: 'vmlinux', dependencies };
  });
  const kernel = {
    treeDir: tree,
    dir: join(dir, 'registered'),
    index: makeDependencyIndex(objects, {}),
    enabledOptions: new Set(),
    delayedObjtool: null,
    registeredAtMs: statSync(tree).mtimeMs + 3_600_000,
    facts: { tables: fixtureTables },
  } as unknown as KernelBuild;
  return {
    kernel,
    diffOf: (file, find, replacement) => diffOf(file, files[file] ?? '', find, replacement),
    [Symbol.dispose]: () => {
      rmSync(dir, { recursive: true });
    },
  };
}

function headersOf(path: string, files: Readonly<Record<string, string>>): string[] {
  const named = Array.from((files[path] ?? '').matchAll(/^#include "(.*)"$/gm), ([, name = '']) => name);
  const direct = named.map((name) => posix.join(posix.dirname(path), name));
  return [...new Set(direct.flatMap((header) => [header, ...headersOf(header, files)]))];
}

function diffOf(file: string, text: string, find: string, put: string): string {
  const at = text.indexOf(find);
  if (at < 0) throw new Error(`${file} has no ${find}`);
  const first = text.slice(0, at).split('\n').length;
  const start = text.lastIndexOf('\n', at - 1) + 1;
  const end = text.indexOf('\n', at + find.length);
  const old = text.slice(start, end).split('\n');
  const now = `${text.slice(start, at)}${put}${text.slice(at + find.length, end)}`.split('\n');
  const lines = [...old.map((line) => `-${line}\n`), ...now.map((line) => `+${line}\n`)].join('');
  return `--- a/${file}\n+++ b/${file}\n@@ -${first},${old.length} +${first},${now.length} @@\n${lines}`;
}
