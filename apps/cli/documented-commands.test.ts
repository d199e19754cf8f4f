// SPDX-License-Identifier: GPL-2.0-only
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { Command } from 'commander';
import { createCli, type Cli } from './cli';
import { createProgram, runProgram } from './program';

const root = path.resolve(__dirname, '../..');
const operating = 'docs/operating';
const pages = [
  ...['README.md', 'docs/report.md', 'docs/benchmarks.md', 'docs/threat-model.md', 'kernel-livepatch/PACKAGES.md'],
  ...readdirSync(path.join(root, operating))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `${operating}/${file}`),
];
const textOf = (page: string): string => readFileSync(path.join(root, page), 'utf8');

/** As a shell divides a line, as far as the pages need it. */
function wordsOf(line: string): string[] {
  const words = line.matchAll(/'([^']*)'|"([^"]*)"|(#.*$)|(&&|;|\|)|([^\s'"#]+(?:'[^']*')?)/g);
  const found: string[] = [];
  for (const [, single, double, remark, end, bare] of words) {
    if (remark !== undefined || end !== undefined) break;
    found.push(single ?? double ?? (bare ?? '').replaceAll("'", ''));
  }
  return found;
}

/** Every command of the blocks that are there to be typed. */
function typedCommands(page: string): string[][] {
  const blocks = [...textOf(page).matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  return blocks.flatMap((block) =>
    [...block.replaceAll('\\\n', ' ').matchAll(/(?:^|&& (?:sudo )?)lockstep (.*)$/gm)].map(([, rest = '']) =>
      wordsOf(rest),
    ),
  );
}

/** What is named in a sentence: `lockstep order append PATCH --cluster web`, as far as it goes. */
const namedCommands = (page: string): string[][] =>
  [...textOf(page).matchAll(/`lockstep ([a-z][^`\n]*)`/g)].map(([, rest = '']) => wordsOf(rest));

/** Takes whatever it is given, and does nothing. */
function idleCli(): { cli: Cli; said: () => string } {
  const stderr = new PassThrough();
  const real = createCli({ stdout: new PassThrough(), stderr, env: {}, signal: new AbortController().signal });
  const idle = (): Promise<void> => Promise.resolve();
  return {
    cli: { ...real, run: idle, runHere: idle },
    said: () => String((stderr.read() as Buffer | null) ?? ''),
  };
}

function commandOf(program: Command, words: readonly string[]): Command {
  const [word] = words;
  const child = program.commands.find((each) => each.name() === word);
  return child === undefined ? program : commandOf(child, words.slice(1));
}

describe.each(pages)('%s', (page) => {
  it('prints commands that work as they are typed', async () => {
    for (const words of typedCommands(page)) {
      const { cli, said } = idleCli();
      const code = await runProgram(cli, words);
      expect({ words, code, said: said() }).toEqual({ words, code: 0, said: '' });
    }
  });

  it('names commands and options that there are', () => {
    const program = createProgram(idleCli().cli);
    for (const words of namedCommands(page)) {
      const command = commandOf(program, words);
      const known = ['--help', '-h', ...command.options.flatMap(({ long, short }) => [long, short])];
      const options = words.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.replace(/[=|].*$/, ''));
      const unknown = options.filter((option) => !known.includes(option));
      expect({ words, isCommand: command !== program, unknown }).toEqual({ words, isCommand: true, unknown: [] });
    }
  });
});

it('reads the pages that have commands', () => {
  expect(typedCommands(`${operating}/README.md`).length).toBeGreaterThan(40);
  expect(namedCommands(`${operating}/README.md`).length).toBeGreaterThan(40);
});

it('names npm scripts and programs that there are', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
  const bundles = textOf('tools/bootstrap/build.mjs');
  for (const page of pages) {
    for (const [, script = ''] of textOf(page).matchAll(/npm run ([a-z][a-z:-]*)/g)) {
      expect({ page, script, isThere: script in scripts }).toEqual({ page, script, isThere: true });
    }
    for (const [, program = ''] of textOf(page).matchAll(/node dist\/([a-z-]+)\.js/g)) {
      expect({ page, program, isThere: bundles.includes(`out: '${program}'`) }).toMatchObject({
        program,
        isThere: true,
      });
    }
  }
});
