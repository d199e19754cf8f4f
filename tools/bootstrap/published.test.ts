// SPDX-License-Identifier: GPL-2.0-only
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const runNode = promisify(execFile);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-published-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** In a process of its own, as each fleet's is. The module is plain JavaScript for the bootstrap. */
const run = (lines: readonly string[]) =>
  runNode(process.execPath, [
    ...['--input-type=module', '-e'],
    [`import { publishFile, publishFolder } from '${path.join(__dirname, 'published.mjs')}';`, ...lines].join('\n'),
  ]);

function write(name: string, files: Readonly<Record<string, string>>): string {
  const place = path.join(folder, name);
  mkdirSync(path.join(place, 'assets'), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(place, file), text);
  return place;
}

test('two who publish the same at the same time leave it whole, and nothing beside it', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`assets/page-${index}.js`, 'x'.repeat(9_000)]),
  );
  const place = path.join(folder, 'console');
  const both = ['one', 'two'].map((name) => write(name, { ...files, 'index.html': 'page' }));
  await Promise.all(both.map((from) => run([`publishFolder('${from}', '${place}', 'index.html');`])));
  expect(readdirSync(folder)).toEqual(['console']);
  expect(readdirSync(path.join(place, 'assets')).sort()).toEqual(
    Object.keys(files)
      .map((name) => path.basename(name))
      .sort(),
  );
  expect(readFileSync(path.join(place, 'index.html'), 'utf8')).toBe('page');
});

test('what is published anew takes the place of what was there, and what is the same is not touched', async () => {
  const place = write('console', { 'assets/old.js': 'old', 'assets/same.js': 'same', 'index.html': 'old' });
  const before = statSync(path.join(place, 'assets/same.js'), { bigint: true });
  const from = write('new', { 'assets/new.js': 'new', 'assets/same.js': 'same', 'index.html': 'new' });
  await run([`publishFolder('${from}', '${place}', 'index.html');`]);
  expect(readdirSync(path.join(place, 'assets')).sort()).toEqual(['new.js', 'same.js']);
  expect(readFileSync(path.join(place, 'index.html'), 'utf8')).toBe('new');
  expect(statSync(path.join(place, 'assets/same.js'), { bigint: true }).ino).toBe(before.ino);
});

test('what another is about to publish is left to it, and what one left that has ended is not', async () => {
  const { stdout } = await runNode(process.execPath, ['-p', 'process.pid']);
  const [others, left] = [`page.js.${process.pid}.unfinished`, `page.js.${stdout.trim()}.unfinished`];
  const place = write('console', { [others]: 'half', [left]: 'half', 'index.html': 'old' });
  const from = write('new', { 'index.html': 'new' });
  await run([`publishFolder('${from}', '${place}', 'index.html');`]);
  expect(readdirSync(place).sort()).toEqual(['assets', 'index.html', others]);
});

test('a file is never read in part while others publish it', async () => {
  const file = path.join(folder, 'bundle.js');
  const whole = ['a', 'b'].map((letter) => letter.repeat(2_000_000));
  writeFileSync(file, whole[0] ?? '');
  const publishing = Promise.all(
    ['a', 'b'].map((letter) =>
      run([
        `for (let time = 0; time < 30; time += 1) publishFile('${file}', Buffer.from('${letter}'.repeat(2_000_000)));`,
      ]),
    ),
  );
  const ended = new AbortController();
  const published = publishing.finally(() => {
    ended.abort();
  });
  let reads = 0;
  while (!ended.signal.aborted) {
    expect(whole).toContain(readFileSync(file, 'utf8'));
    reads += 1;
    await new Promise(setImmediate);
  }
  await published;
  expect(reads).toBeGreaterThan(1);
  expect(readdirSync(folder)).toEqual(['bundle.js']);
});
