// SPDX-License-Identifier: GPL-2.0-only
// `npm run test:guards [-- --report FILE] [--beside-suites]`: breaks each invariant on purpose, in a copy, and sees that its
// test notices. `--beside-suites`: the same command runs the suites of these tests too, so none is run unbroken first.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
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
    'tools/test-runner',
    '.swcrc',
    'tsconfig.base.json',
  ]) {
    cpSync(path.join(root, place), path.join(copy, place), { recursive: true });
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  return copy;
}

/** Whether one test file of `copy` passes, and what jest printed. */
async function runTest(copy, test) {
  const jest = path.join(root, 'node_modules/.bin/jest');
  // What is broken may leave timers behind, for which jest would wait.
  const child = spawn(jest, ['--rootDir', copy, '--forceExit', test], {
    cwd: copy,
    stdio: ['ignore', 'ignore', 'pipe'],
    // What is broken may wait for ever for what does not come.
    env: { ...process.env, LOCKSTEP_TEST_LIMIT_MS: '60000' },
  });
  const [output, [status]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (!/^Tests: /m.test(output)) throw new Error(`${test} did not run:\n${output}`);
  return { passes: status === 0, output };
}

/** Fails where a test is red without anything broken; on a busy machine one may be late, so it gets a second try. */
async function expectGreen(copy, test) {
  const first = await runTest(copy, test);
  if (first.passes || (await runTest(copy, test)).passes) return;
  throw new Error(`${test} fails before anything is broken:\n${first.output}`);
}

/** All guards whose place has changed since, before the first of them costs anything. */
function expectPlaces() {
  const stale = guards.filter(({ file, from }) => readFileSync(path.join(root, file), 'utf8').split(from).length !== 2);
  if (stale.length === 0) return;
  const places = stale.map(({ file, from }) => `\n  ${file}: ${from}`).join('');
  throw new Error(
    `Guards break what does not stand there exactly once (any more); say what they are to break now:${places}`,
  );
}

function breakOnce(copy, { file, from, to }) {
  const target = path.join(copy, file);
  const source = readFileSync(target, 'utf8');
  writeFileSync(
    target,
    source.replace(from, () => to),
  );
  return () => writeFileSync(target, source);
}

/** A property that is tried on random input may miss once in fifty runs what it finds in all others. */
const mostTries = 3;

async function isNoticed(copy, { test }) {
  for (let tries = 0; tries < mostTries; tries += 1) if (!(await runTest(copy, test)).passes) return true;
  return false;
}

async function tryGuard(copy, guard) {
  const mend = breakOnce(copy, guard);
  const noticed = await isNoticed(copy, guard);
  mend();
  console.log(`${noticed ? 'ok' : 'NOT NOTICED'} invariant ${guard.invariant}: ${guard.breaks} (${guard.test})`);
  return noticed;
}

/** The guards of one test after the other, each test once as it is before anything is broken. @returns how many failed. */
async function work(copy, tests, { isGreen }) {
  let failed = 0;
  for (let test = tests.pop(); test !== undefined; test = tests.pop()) {
    if (!isGreen) await expectGreen(copy, test);
    for (const guard of guards.filter((each) => each.test === test)) if (!(await tryGuard(copy, guard))) failed += 1;
  }
  return failed;
}

const values = new Command('test:guards')
  .description('break each invariant on purpose, in a copy, and see that its test notices')
  .option('--report <file>', 'write the counts to this file as JSON')
  .option('--beside-suites', 'the suites of these tests are run too, so none is run unbroken first')
  .parse()
  .opts();
expectPlaces();
// Each worker breaks a copy of its own.
const copies = Array.from({ length: Math.min(availableParallelism(), 4) }, copyTree);
try {
  const tests = [...new Set(guards.map((guard) => guard.test))];
  const failures = await Promise.all(
    copies.map((copy) => work(copy, tests, { isGreen: values.besideSuites === true })),
  );
  const failed = failures.reduce((sum, each) => sum + each, 0);
  const count = { passed: guards.length - failed, failed };
  if (values.report) writeFileSync(values.report, JSON.stringify(count));
  console.log(`${count.passed} passed, ${count.failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  for (const copy of copies) rmSync(copy, { recursive: true });
}
