// SPDX-License-Identifier: GPL-2.0-only
import { posix } from 'node:path';
import ts from 'typescript';

/** File → the files of this repository that it imports, types included. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/**
 * @param files every source file, by path below the root
 * @param read a file's text
 */
export function importGraph(files: readonly string[], read: (file: string) => string): ImportGraph {
  const known = new Set(files);
  return new Map(
    files.map((file) => {
      const { importedFiles } = ts.preProcessFile(read(file), true, true);
      return [file, importedFiles.flatMap(({ fileName }) => resolve(file, fileName, known) ?? [])];
    }),
  );
}

/** Undefined for what is not of this repository: packages, generated code. */
function resolve(importer: string, specifier: string, known: ReadonlySet<string>): string | undefined {
  const path = specifier.startsWith('.')
    ? posix.join(posix.dirname(importer), specifier)
    : specifier.startsWith('@lockstep/')
      ? specifier.replace('@lockstep/', 'libs/')
      : undefined;
  if (path === undefined) return undefined;
  return [path, `${path}.ts`, `${path}.tsx`, `${path}/index.ts`].find((candidate) => known.has(candidate));
}

/** Each set of files that import one another in a circle, shortest names first; empty if there is none. */
export function importCircles(graph: ImportGraph): string[][] {
  // What is not on a circle is peeled off: files that nothing left imports, and files that import nothing left.
  const left = new Set(graph.keys());
  const importsOf = (file: string): string[] => (graph.get(file) ?? []).filter((one) => left.has(one));
  for (let before = -1; before !== left.size;) {
    before = left.size;
    const imported = new Set([...left].flatMap(importsOf));
    for (const file of [...left]) if (importsOf(file).length === 0 || !imported.has(file)) left.delete(file);
  }
  const circles: string[][] = [];
  const reached = (start: string): Set<string> => {
    const seen = new Set(importsOf(start));
    for (const file of seen) for (const next of importsOf(file)) seen.add(next);
    return seen;
  };
  const placed = new Set<string>();
  for (const file of left) {
    if (placed.has(file)) continue;
    const circle = [...reached(file)].filter((other) => reached(other).has(file));
    for (const one of circle) placed.add(one);
    if (circle.length > 0) circles.push(circle.sort());
  }
  return circles;
}
