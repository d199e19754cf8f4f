// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { makeDependencyIndex, PatchRefusal } from '@lockstep/domain/source-patch';
import { comparePatch, type KernelBuild } from '@lockstep/io/kernel-builder';
import { fixtureTables } from './index';

jest.setTimeout(60_000);

const header = `static inline int step(int value)
{
	return value + 1;
}

#define FIRST 1
`;

const source = `#include "../include/x.h"
#define __init __attribute__((section(".init.text")))
#define notrace __attribute__((no_instrument_function))

int limits[] = { FIRST, 2 };

static inline int twice(int value)
{
	return value * 2;
}

int __init setup(int value)
{
	return step(value);
}

int notrace quiet(int value)
{
	return twice(value) - limits[1];
}
`;

let dir = '';
let kernel: KernelBuild;

/** What gcc builds of two files, as a kernel tree holds it. */
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'lockstep-blame-'));
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(dir, 'tree', path)), { recursive: true });
    writeFileSync(join(dir, 'tree', path), text);
  };
  put('include/x.h', header);
  put('fs/a.c', source);
  const command =
    'gcc -O2 -pg -mfentry -fno-pie -fno-asynchronous-unwind-tables -fcf-protection=none -c -o fs/a.o fs/a.c';
  execFileSync('sh', ['-c', command], { cwd: join(dir, 'tree') });
  put('fs/.a.o.cmd', `cmd_fs/a.o := ${command}\n\nsource_fs/a.o := fs/a.c\n\ndeps_fs/a.o := \\\n  include/x.h \\\n\n`);
  kernel = {
    treeDir: join(dir, 'tree'),
    dir: join(dir, 'registered'),
    index: makeDependencyIndex(
      [{ path: 'fs/a.o', source: 'fs/a.c', object: 'vmlinux', dependencies: ['include/x.h'] }],
      {},
    ),
    enabledOptions: new Set(),
    delayedObjtool: null,
    registeredAtMs: Date.now() + 1000,
    facts: { tables: fixtureTables },
  } as unknown as KernelBuild;
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

/** One line of a file replaced. */
function diffOf(file: string, text: string, find: string, put: string): string {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.includes(find));
  const line = lines[at] ?? '';
  return `--- a/${file}\n+++ b/${file}\n@@ -${at + 1} +${at + 1} @@\n-${line}\n+${line.replace(find, put)}\n`;
}

async function refusalOf(diff: string): Promise<PatchRefusal> {
  const error: unknown = await comparePatch({ kernel, diff }).catch((caught: unknown) => caught);
  if (error instanceof PatchRefusal) return error;
  throw new Error('not refused', { cause: error });
}

test.each([
  // An inline function of a header, in what has run at boot.
  [
    'include/x.h',
    header,
    'value + 1',
    'value + 3',
    'init-function',
    'include/x.h:3 (step): fs/a.o: setup is in .init.text',
  ],
  // One of the source, in what cannot be redirected.
  ['fs/a.c', source, 'value * 2', 'value * 5', 'no-ftrace-entry', 'fs/a.c:9 (twice): fs/a.o: quiet differs'],
  // A macro, in the content of a variable.
  [
    'include/x.h',
    header,
    'FIRST 1',
    'FIRST 7',
    'data-changed',
    'include/x.h:6 (FIRST): fs/a.o: the content of limits changes',
  ],
  // What the author changed is what is refused.
  [
    'fs/a.c',
    source,
    'FIRST, 2',
    'FIRST, 4',
    'data-changed',
    'fs/a.c:5 (limits): fs/a.o: the content of limits changes',
  ],
  [
    'fs/a.c',
    source,
    'return step(value)',
    'return step(value + 9)',
    'init-function',
    'fs/a.c:14 (setup): fs/a.o: setup is in',
  ],
])('%s: what is refused is told where its author wrote it (%#)', async (file, text, find, put, reason, message) => {
  const refusal = await refusalOf(diffOf(file, text, find, put));
  expect(refusal.reason).toBe(reason);
  expect(refusal.message).toContain(message);
  expect(refusal.fields).toMatchObject({ object: 'fs/a.o', places: [message.replace(/: .*/, '')] });
  expect(refusal.places[0]?.file).toBe(file);
});
