// SPDX-License-Identifier: GPL-2.0-only
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import type { SuiteResult } from './suite-result';

/** What loads livepatches in production: the node agent's kernel port and `lockstep host`. */
const tests = ['libs/io/livepatch-sysfs/tests/sysfs-kernel.kernel.ts', 'apps/cli/tests/host.kernel.ts'];

/** The part of jest's report that is read here. */
interface JestReport {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/**
 * The kernel tests of user space again, on the kernel without the patched core: there Lockstep's own check is all that
 * stands between a conflict and the kernel. They choose the kernel by the variables that they are given here.
 */
export async function runStockTests(root: string, source: string | undefined): Promise<SuiteResult> {
  using scratch = ScratchDirectory.create('stock');
  const report = path.join(scratch.path, 'report.json');
  const options = ['--selectProjects', 'kernel', '--runInBand', '--json', `--outputFile=${report}`];
  const child = spawn(path.join(root, 'node_modules/.bin/jest'), [...tests, ...options], {
    cwd: root,
    env: {
      ...process.env,
      LOCKSTEP_TEST_KERNEL: 'stock',
      ...(source === undefined ? {} : { LOCKSTEP_KERNEL_SRC: source }),
    },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  await once(child, 'exit');
  return { suite: 'stock', ...readReport(JSON.parse(await readFile(report, 'utf8')) as JestReport) };
}

function readReport({ testResults }: JestReport): Pick<SuiteResult, 'passed' | 'failed'> {
  const cases = testResults.flatMap((file) => file.assertionResults);
  // A file that does not load has a message and no cases.
  const broken = testResults.filter((file) => file.assertionResults.length === 0).map((file) => file.message);
  const failed = cases.filter((test) => test.status !== 'passed');
  return {
    passed: cases.filter((test) => test.status === 'passed').map((test) => test.fullName),
    failed: [...broken, ...failed.map((test) => [test.fullName, ...(test.failureMessages ?? [])].join('\n'))],
  };
}
