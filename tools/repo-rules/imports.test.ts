// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { importCircles, importGraph } from './import-graph';
import { repositoryFiles, repositoryRoot } from './repository-files';

const sources = repositoryFiles().filter((file) => /\.(?:ts|tsx|mjs)$/.test(file));
const graph = importGraph(sources, (file) => readFileSync(path.join(repositoryRoot, file), 'utf8'));

describe('no file imports itself by way of others', () => {
  test('types included', () => {
    // As many as the repository has at least: a graph that was not read has no circles either.
    expect([...graph.values()].flat().length).toBeGreaterThan(1000);
    expect(importCircles(graph)).toEqual([]);
  });

  test('a circle is found, be it of types, over a library, or of one file', () => {
    const files: Record<string, string> = {
      'libs/io/a/index.ts': "export { one } from './one';",
      'libs/io/a/one.ts': "import type { Two } from '@lockstep/io/b';",
      'libs/io/b/index.ts': "export type { Two } from './two';",
      'libs/io/b/two.ts': "import { deep } from '@lockstep/io/a/one'; import 'node:fs';",
      'libs/io/b/user.ts': "import { two } from './two'; import '@lockstep/domain/none';",
      'tools/self.mjs': "await import('./self.mjs');",
    };
    const circles = importCircles(importGraph(Object.keys(files), (file) => files[file] ?? ''));
    expect(circles).toEqual([['libs/io/a/one.ts', 'libs/io/b/index.ts', 'libs/io/b/two.ts'], ['tools/self.mjs']]);
  });
});

/** Libraries of several rooms; a room uses itself and those before it. Only the index stands outside of them. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  'libs/io/kernel-builder': ['processes', 'sources', 'vendors', 'builds', 'objects', 'patches'],
};

describe.each(Object.entries(rooms))('%s', (library, order) => {
  const inside = sources.filter((file) => file.startsWith(`${library}/`) && !file.includes('/tests/'));
  const roomOf = (file: string): string => file.slice(library.length + 1).split('/')[0] ?? '';

  test('every file but the index stands in a room', () => {
    expect(inside.filter((file) => !order.includes(roomOf(file)))).toEqual([`${library}/index.ts`]);
    expect(order.filter((room) => !inside.some((file) => roomOf(file) === room))).toEqual([]);
  });

  test('a room uses only rooms below it', () => {
    const upward = inside.flatMap((file) =>
      (graph.get(file) ?? [])
        .filter((used) => used.startsWith(`${library}/`) && order.includes(roomOf(file)))
        .filter((used) => !order.slice(0, order.indexOf(roomOf(file)) + 1).includes(roomOf(used)))
        .map((used) => `${file} uses ${used}`),
    );
    expect(upward).toEqual([]);
  });
});
