// SPDX-License-Identifier: GPL-2.0-only
// `npm run test:guards [-- --report FILE]`: breaks each invariant on purpose, in a copy, and sees that its test notices.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { guards } from './guards.mjs';

const root = path.resolve(import.meta.dirname, '../..');

function copyTree() {
  const copy = mkdtempSync(path.join(tmpdir(), 'lockstep-guards-'));
  for (const place of [
    'apps',
    'libs',
    'prisma',
    'proto',
    'package.json',
    'jest.config.mjs',
    '.swcrc',
    'tsconfig.base.json',
  ]) {
    cpSync(path.join(root, place), path.join(copy, place), { recursive: true });
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  return copy;
}

/** Whether one test file of `copy` passes, and what jest printed. */
function runTest(copy, test) {
  const jest = path.join(root, 'node_modules/.bin/jest');
  const { status, stderr } = spawnSync(jest, ['--rootDir', copy, test], { cwd: copy, encoding: 'utf8' });
  if (!/^Tests: /m.test(stderr)) throw new Error(`${test} did not run:\n${stderr}`);
  return { passes: status === 0, output: stderr };
}

/** Fails where a test is red without anything broken; on a busy machine one may be late, so it gets a second try. */
function expectGreen(copy, test) {
  const first = runTest(copy, test);
  if (first.passes || runTest(copy, test).passes) return;
  throw new Error(`${test} fails before anything is broken:\n${first.output}`);
}

function breakOnce(copy, { file, from, to }) {
  const target = path.join(copy, file);
  const source = readFileSync(target, 'utf8');
  if (source.split(from).length !== 2) throw new Error(`${file} does not hold this exactly once: ${from}`);
  writeFileSync(
    target,
    source.replace(from, () => to),
  );
  return () => writeFileSync(target, source);
}

function tryGuard(copy, guard) {
  const mend = breakOnce(copy, guard);
  const noticed = !runTest(copy, guard.test).passes;
  mend();
  console.log(`${noticed ? 'ok' : 'NOT NOTICED'} invariant ${guard.invariant}: ${guard.breaks} (${guard.test})`);
  return noticed;
}

const { values } = parseArgs({ options: { report: { type: 'string' } } });
const copy = copyTree();
try {
  for (const test of new Set(guards.map((guard) => guard.test))) expectGreen(copy, test);
  const failed = guards.filter((guard) => !tryGuard(copy, guard)).length;
  const count = { passed: guards.length - failed, failed };
  if (values.report) writeFileSync(values.report, JSON.stringify(count));
  console.log(`${count.passed} passed, ${count.failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true });
}
