// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { repositoryFiles, repositoryRoot } from './repository-files';

const files = repositoryFiles();
const read = (file: string): string => readFileSync(path.join(repositoryRoot, file), 'utf8');
const ofKind = (...endings: string[]): string[] =>
  files.filter((file) => endings.some((ending) => file.endsWith(ending)));

const layerOf: Readonly<Record<string, string>> = {
  domain: 'domain',
  contracts: 'contract',
  platform: 'platform',
  io: 'io',
  services: 'service',
  testing: 'testing',
};

/** Only what can be bundled for a browser: the domain. */
const runsIn = (layer: string): string => (layer === 'domain' ? 'any' : 'node');
const appRunsIn = (folder: string): string => (folder === 'apps/console' ? 'browser' : 'node');

describe('the layers are the folders', () => {
  const libraries = new Set(files.flatMap((file) => /^libs\/[^/]+\/[^/]+/.exec(file) ?? []));
  const apps = new Set(files.flatMap((file) => /^apps\/[^/]+/.exec(file) ?? []));

  test.each([...libraries])('%s is tagged with its folder', (folder) => {
    const layer = layerOf[folder.split('/')[1] ?? ''] ?? 'unknown';
    const project = JSON.parse(read(`${folder}/project.json`)) as { tags: string[] };
    expect(project.tags).toEqual([`layer:${layer}`, `runs-in:${runsIn(layer)}`]);
  });

  test.each([...apps])('%s is tagged as an app', (folder) => {
    expect((JSON.parse(read(`${folder}/project.json`)) as { tags: string[] }).tags).toEqual([
      'layer:app',
      `runs-in:${appRunsIn(folder)}`,
    ]);
  });

  test.each([...libraries].filter((folder) => folder !== 'libs/contracts/generated'))('%s has one index', (folder) => {
    expect(files.filter((file) => file.startsWith(`${folder}/`) && path.basename(file) === 'index.ts')).toEqual([
      `${folder}/index.ts`,
    ]);
  });

  test('nothing handwritten stands beside generated code', () => {
    const handwritten = files.filter((file) => file.startsWith('libs/contracts/generated/'));
    expect(handwritten).toEqual(['libs/contracts/generated/project.json']);
  });
});

test('folders are named for what they hold', () => {
  const vague = /(^|\/)(utils?|helpers?|common|shared|misc)\//;
  expect(files.filter((file) => vague.test(file))).toEqual([]);
});

test('every source file names its licence', () => {
  const sources = ofKind('.ts', '.tsx', '.css', '.mjs', '.sh', '.c', '.h', '.proto');
  const unnamed = sources.filter((file) => !read(file).slice(0, 200).includes('SPDX-License-Identifier: GPL-2.0'));
  expect(unnamed).toEqual([]);
});

test('no test is skipped or singled out', () => {
  const marked = /\b(?:it|test|describe)\.(?:skip|only|todo)\b/;
  const self = path.relative(repositoryRoot, __filename);
  const inCi = ['.test.ts', '.fleet.ts', '.kernel.ts'];
  const byHand = [
    '.make.ts',
    '.shapes.ts',
    '.stock.ts',
    '.monitoring.ts',
    '.console.ts',
    '.replicas.ts',
    '.hostile.ts',
  ];
  const tests = ofKind(...inCi, ...byHand, '.token.ts');
  expect(tests.filter((file) => file !== self && marked.test(read(file)))).toEqual([]);
});

test('a file that grows past 500 lines is missing a concept', () => {
  const long = ofKind('.ts', '.tsx', '.css', '.mjs', '.c', '.h', '.sh').filter(
    (file) => read(file).split('\n').length > 501,
  );
  expect(long).toEqual([]);
});
