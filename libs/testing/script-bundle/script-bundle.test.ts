// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { temporaryFolder } from '@lockstep/testing/local-servers';
import { bundleScript } from './script-bundle';

const root = path.resolve(__dirname, '../../..');

test('one file runs where there are no packages', async () => {
  const folder = await temporaryFolder('bundle');
  const outfile = path.join(folder.path, 'lockstep.js');
  await bundleScript({ entry: path.join(root, 'apps/cli/main.ts'), outfile });
  expect(execFileSync(process.execPath, [outfile, '--help'], { cwd: folder.path, encoding: 'utf8' })).toContain(
    'rollout',
  );
  await folder.remove();
});

test('or leaves outside what npm installed', async () => {
  const folder = await temporaryFolder('bundle');
  const outfile = path.join(folder.path, 'worker.js');
  const entry = path.join(root, 'libs/io/job-queue/tests/killed-worker.ts');
  await bundleScript({ entry, outfile, packages: 'external' });
  const required = readFileSync(outfile, 'utf8').matchAll(/require\("([^"]+)"\)/g);
  const packages = Array.from(required, ([, name = '']) => name).filter((name) => !name.startsWith('node:'));
  expect(packages).toContain('bullmq');
  expect(packages.filter((name) => name.startsWith('@lockstep'))).toEqual([]);
  await folder.remove();
});
