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

/** jest's exit code for one test file in `copy`: 0 passed, 1 a test failed. */
function testPasses(copy, test) {
  const jest = path.join(root, 'node_modules/.bin/jest');
  const { status, stderr } = spawnSync(jest, ['--rootDir', copy, test], { cwd: copy, encoding: 'utf8' });
  if (!/^Tests: /m.test(stderr)) throw new Error(`${test} did not run:\n${stderr}`);
  return status === 0;
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
  const noticed = !testPasses(copy, guard.test);
  mend();
  console.log(`${noticed ? 'ok' : 'NOT NOTICED'} invariant ${guard.invariant}: ${guard.breaks} (${guard.test})`);
  return noticed;
}

const { values } = parseArgs({ options: { report: { type: 'string' } } });
const copy = copyTree();
try {
  const tests = [...new Set(guards.map((guard) => guard.test))];
  const red = tests.filter((test) => !testPasses(copy, test));
  if (red.length > 0) throw new Error(`these fail before anything is broken: ${red.join(', ')}`);
  const failed = guards.filter((guard) => !tryGuard(copy, guard)).length;
  const count = { passed: guards.length - failed, failed };
  if (values.report) writeFileSync(values.report, JSON.stringify(count));
  console.log(`${count.passed} passed, ${count.failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true });
}
