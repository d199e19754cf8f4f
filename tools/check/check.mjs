// SPDX-License-Identifier: GPL-2.0-only
// Format, lint (with module boundaries), types, protocol. Runs all of them, then fails if one did.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

const steps = [
  { name: 'format', command: ['prettier', '--check', '--log-level', 'warn', '.'] },
  { name: 'types', command: ['tsc', '--noEmit', '-p', 'tsconfig.json'] },
  // It runs in browsers, its tests beside one.
  { name: 'types of the console', command: ['tsc', '--noEmit', '-p', 'apps/console'] },
  { name: "types of the console's tests", command: ['tsc', '--noEmit', '-p', 'apps/console/tests'] },
  // The boundaries rule reads the project graph from Nx's cache.
  { name: 'project graph', command: ['nx', 'graph', '--file=.nx/graph.json'], quiet: true },
  { name: 'lint', command: ['eslint', '--max-warnings', '0', '.'] },
  { name: 'proto lint', command: ['buf', 'lint'] },
  { name: 'proto format', command: ['buf', 'format', '--diff', '--exit-code'] },
];

function run({ name, command: [bin, ...args], quiet }) {
  const started = performance.now();
  const result = spawnSync(path.join(root, 'node_modules/.bin', bin), args, { cwd: root, encoding: 'utf8' });
  const passed = result.status === 0;
  console.log(`${passed ? 'ok' : 'FAILED'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (!passed || !quiet) process.stdout.write(passed ? '' : result.stdout + result.stderr);
  return passed;
}

const failed = steps.filter((step) => !run(step)).length;
console.log(failed === 0 ? `check: ${steps.length} steps clean` : `check: ${failed} of ${steps.length} steps failed`);
process.exit(failed === 0 ? 0 : 1);
