// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { runCommand } from '../processes/run-command';
import { sameButDebugInformation } from './same-code';

let dir = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockstep-same-'));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function compile(source: string, ...flags: string[]): Promise<Buffer> {
  await writeFile(join(dir, 'a.c'), source);
  const { status, output } = await runCommand('gcc', ['-O2', ...flags, '-c', 'a.c'], { cwd: dir });
  expect([status, output]).toEqual([0, '']);
  return readFile(join(dir, 'a.o'));
}

const source = 'struct s { int a; };\nint work(struct s *s) { return s->a; }\n';
const withField = source.replace('int a;', 'int a; int b;');

test('a type that no code depends on is in debug information only', async () => {
  const [before, after] = [await compile(source, '-g'), await compile(withField, '-g')];
  expect(after.equals(before)).toBe(false);
  expect(await sameButDebugInformation(before, after)).toBe(true);
});

test('other code is other code, with debug information and without', async () => {
  const other = source.replace('->a', '->a + 1');
  for (const flags of [['-g'], []]) {
    expect(await sameButDebugInformation(await compile(source, ...flags), await compile(other, ...flags))).toBe(false);
  }
  expect(await sameButDebugInformation(await compile(source), await compile(withField))).toBe(true);
});
