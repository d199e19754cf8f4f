// SPDX-License-Identifier: GPL-2.0-only
// `npm test`: every suite, few at once (they share two cores with virtual machines), then one count over all of them,
// taken from what the runners themselves report.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const reports = mkdtempSync(path.join(tmpdir(), 'lockstep-test-'));
const jest = path.join(root, 'node_modules/.bin/jest');

const jestSuite = (project, ...options) => ({
  name: project,
  command: (report) => [jest, '--selectProjects', project, '--json', `--outputFile=${report}`, ...options],
  count: (report) => ({
    passed: report.numPassedTests,
    // A file that does not even load has no tests to fail, and a skipped test asserts nothing.
    failed: report.numFailedTests + report.numRuntimeErrorTestSuites + report.numPendingTests + report.numTodoTests,
  }),
});

const check = {
  name: 'check',
  command: () => [process.execPath, 'tools/check/check.mjs'],
  count: undefined,
};

const guards = {
  name: 'guards',
  command: (report) => [process.execPath, 'tools/invariant-guards/main.mjs', '--beside-suites', '--report', report],
  count: (report) => report,
};

/**
 * First of all that need the kernel: it says how far its compiling is. `npm run test:kernel` has more: upstream's tests in the
 * other modes, more rounds of the oracle, kernels of their own, debug and stock.
 */
const selftests = {
  name: 'selftests',
  command: (report) => [
    process.execPath,
    'dist/test-kernel.js',
    ...['--kernel', '6.1', '--suite', 'style', 'upstream-system', 'lockstep', 'consistency', '--oracle-rounds', '5'],
    ...['--report', report],
  ],
  count: (report) => report,
};

// Seven tenths of the fleet tests' time is waiting for servers: four at a time. They end processes and servers in every
// way; a socket that one left open must not keep the rest waiting.
const fleet = jestSuite('fleet', '--maxWorkers=4', '--forceExit');

// Some of them wait for machines that boot, or for a kernel that is to stay well for a while.
const kernel = jestSuite('kernel', '--maxWorkers=3');

const demo = {
  name: 'demo',
  command: () => [process.execPath, 'dist/demo.js'],
  count: 'exit code',
};

/** One after the other; what stands in one row runs at once: one machine of the selftests leaves a processor idle. */
const steps = [[check], [jestSuite('unit', '--maxWorkers=100%')], [guards, selftests], [fleet], [kernel], [demo]];

function readCount(suite, file, status) {
  if (suite.count === undefined) return { passed: 0, failed: status === 0 ? 0 : 1 };
  if (suite.count === 'exit code') return status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  if (!existsSync(file)) return { passed: 0, failed: 1 };
  const count = suite.count(JSON.parse(readFileSync(file, 'utf8')));
  return status === 0 || count.failed > 0 ? count : { ...count, failed: 1 };
}

async function run(suite) {
  const report = path.join(reports, `${suite.name}.json`);
  const [command, ...args] = suite.command(report);
  const started = performance.now();
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  const [status] = await once(child, 'close').catch(() => [1]);
  const count = readCount(suite, report, status);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${suite.name}: ${count.passed} passed, ${count.failed} failed (${seconds} s)\n`);
  return count;
}

const counts = [];
for (const suites of steps) counts.push(...(await Promise.all(suites.map(run))));
rmSync(reports, { recursive: true });
const total = (key) => counts.reduce((sum, count) => sum + count[key], 0);
console.log(`${total('passed')} passed, ${total('failed')} failed`);
process.exit(total('failed') === 0 && total('passed') > 0 ? 0 : 1);
