// SPDX-License-Identifier: GPL-2.0-only
// Format, lint (with module boundaries), types, protocol. Runs all of them, then fails if one did.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';

const root = path.resolve(import.meta.dirname, '../..');

// Two lanes side by side: linting takes as long as all else together, on one processor.
const lanes = [
  [
    // The boundaries rule reads the project graph from Nx's cache.
    { name: 'project graph', command: ['nx', 'graph', '--file=.nx/graph.json'] },
    { name: 'lint', command: ['eslint', '--max-warnings', '0', '.'] },
  ],
  [
    { name: 'format', command: ['prettier', '--check', '--log-level', 'warn', '.'] },
    { name: 'types', command: ['tsc', '--noEmit', '-p', 'tsconfig.json'] },
    // It runs in browsers, its tests beside one.
    { name: 'types of the console', command: ['tsc', '--noEmit', '-p', 'apps/console'] },
    { name: "types of the console's tests", command: ['tsc', '--noEmit', '-p', 'apps/console/tests'] },
    { name: 'proto lint', command: ['buf', 'lint'] },
    { name: 'proto format', command: ['buf', 'format', '--diff', '--exit-code'] },
  ],
];

async function run({ name, command: [bin, ...args] }) {
  const started = performance.now();
  const child = spawn(path.join(root, 'node_modules/.bin', bin), args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const passed = status === 0;
  console.log(`${passed ? 'ok' : 'FAILED'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (!passed) process.stdout.write(stdout + stderr);
  return passed;
}

async function runLane(steps) {
  let failed = 0;
  for (const step of steps) if (!(await run(step))) failed += 1;
  return failed;
}

const failed = (await Promise.all(lanes.map(runLane))).reduce((sum, each) => sum + each, 0);
const count = lanes.flat().length;
console.log(failed === 0 ? `check: ${count} steps clean` : `check: ${failed} of ${count} steps failed`);
process.exit(failed === 0 ? 0 : 1);
