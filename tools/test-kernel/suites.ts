// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { BuiltKernel } from '@lockstep/io/kernel-builder';
import { QemuMachine, type KernelFlavour } from '@lockstep/testing/qemu-machine';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { buildSelftests } from './selftest-modules';
import { runStockTests } from './stock-tests';
import { checkStyle } from './style';
import type { SuiteName, SuiteResult } from './suite-result';
import { readTap, tapProgress } from './tap';

/** What suites that run in a machine can be told. */
export interface MachineOptions {
  readonly cpus: number;
  /** For the kernel's command line, beside what all machines have there. */
  readonly bootArguments: readonly string[];
  /** How often the consistency suite's oracle sees a livepatch switched on and off in a mode. */
  readonly oracleRounds: number;
  /** Which of our own cases run: an extended regular expression for their names. */
  readonly cases: string;
  /** Trees that the style suite tries the series on, beside the one that is built. */
  readonly against: readonly string[];
  readonly onProgress: (done: number, planned: number) => void;
}

export function flavourOf(suite: SuiteName): KernelFlavour {
  if (suite === 'stock') return 'stock';
  if (suite === 'consistency-preempt') return 'preempt';
  return suite.endsWith('-debug') ? 'debug' : 'plain';
}

/** Under emulation with every check on, the longest suite takes half an hour on a busy machine. */
const suiteTimeoutMs = 90 * 60_000;

/** On a busy machine the debug kernel interprets each device's ACPI method for half a minute, and then goes on without. */
const bootTimeoutMs = 20 * 60_000;
const pollTimeoutMs = 5 * 60_000;

/** Thousands of switches must not push out of the kernel's log what it complained of. */
const keepLog = 'log_buf_len=16M';

/**
 * Interrupts are found in the MP table, see debug.config. What retpolines and their like guard against does not happen
 * here, and they are slow to emulate.
 */
const spareTheEmulator = ['acpi=noirq', 'mitigations=off'];

/** What a kernel prints when one of its own checks found something. */
const splat =
  /\bBUG:|WARNING:|INFO: (?:task|rcu|possible)|KASAN|possible recursive|unreferenced object|Oops|general protection/;

/** The kernel's own test modules where modprobe looks for them. */
const installModules = (treeDir: string): string =>
  [
    'set -e',
    'dir=/lib/modules/$(uname -r)',
    'mkdir -p "$dir/kernel"',
    // modules.order names them; to search the tree for them would take minutes under emulation.
    `while read -r file; do cp '${treeDir}'/"$file" "$dir/kernel/"; done <'${treeDir}/modules.order'`,
    `cp '${treeDir}/modules.builtin' '${treeDir}/modules.order' "$dir/"`,
    'depmod',
  ].join('\n');

/** How the kernel switches the livepatches of upstream's tests where a suite says so. */
const modeOf: Readonly<Partial<Record<SuiteName, string>>> = {
  'upstream-system': 'system',
  'upstream-stop-machine': 'stop_machine',
};

function command(
  suite: SuiteName,
  root: string,
  kernel: BuiltKernel,
  modulesDir: string,
  { oracleRounds, cases }: Pick<MachineOptions, 'oracleRounds' | 'cases'>,
): string {
  const selftests = path.join(root, 'kernel-livepatch/selftests');
  return suite.startsWith('upstream')
    ? `bash '${selftests}/upstream.sh' '${kernel.treeDir}/tools/testing/selftests/livepatch' ${modeOf[suite] ?? ''}`
    : suite.startsWith('consistency')
      ? `ORACLE_ROUNDS=${oracleRounds} bash '${selftests}/run.sh' '${modulesDir}' '${cases}' consistency`
      : `bash '${selftests}/run.sh' '${modulesDir}' '${cases}' cases`;
}

const outputInGuest = '/run/suite.tap';
const pollIntervalMs = 15_000;

/** Runs the suite and tells how far it is. A machine that does not answer any more is told with what it had printed. */
async function follow(
  machine: QemuMachine,
  suiteCommand: string,
  onProgress: MachineOptions['onProgress'],
): Promise<{ readonly output: string; readonly errors: string }> {
  const abort = new AbortController();
  let soFar = '';
  const poll = async (): Promise<void> => {
    while (!abort.signal.aborted) {
      await setTimeout(pollIntervalMs, undefined, { signal: abort.signal });
      soFar = await machine.run(`cat ${outputInGuest}`, pollTimeoutMs);
      const { done, planned = done } = tapProgress(soFar);
      onProgress(done, planned);
    }
  };
  // Polling is a courtesy: whether the machine still lives is for the suite's own limit to say.
  const polling = poll().catch(() => undefined);
  try {
    const { stderr } = await machine.exec(`${suiteCommand} >${outputInGuest}`, suiteTimeoutMs);
    return { output: await machine.run(`cat ${outputInGuest}`), errors: stderr };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { output: `${soFar}\nBail out! ${why}`, errors: await machine.consoleEnd() };
  } finally {
    abort.abort();
    await polling;
  }
}

/** Runs one suite on `kernel`, which is of its flavour; `source` is the tree that it was built from, if one was given. */
export async function runSuite(
  suite: SuiteName,
  root: string,
  kernel: BuiltKernel,
  source: string | undefined,
  options: MachineOptions,
): Promise<SuiteResult> {
  switch (suite) {
    case 'style':
      return checkStyle(root, kernel, options.against);
    case 'stock':
      return runStockTests(root, source);
    case 'upstream':
    case 'upstream-system':
    case 'upstream-stop-machine':
    case 'lockstep':
    case 'consistency':
    case 'consistency-preempt':
    case 'upstream-debug':
    case 'lockstep-debug':
    case 'consistency-debug':
      return runInMachine(suite, root, kernel, options);
  }
}

const linesOfSplat = 60;

/** Each complaint of the kernel, with what it says after it. */
function splatsIn(log: string): string[] {
  const lines = log.split('\n');
  const starts = [...lines.keys()].filter((index) => splat.test(lines[index] ?? ''));
  return starts.map((start, index) => {
    const end = Math.min(start + linesOfSplat, starts[index + 1] ?? lines.length);
    return `kernel log: ${lines.slice(start, end).join('\n#   ')}`;
  });
}

/** Boots `kernel` and runs one suite in it. A splat in the kernel's log is a failure of its own. */
async function runInMachine(
  suite: SuiteName,
  root: string,
  kernel: BuiltKernel,
  options: MachineOptions,
): Promise<SuiteResult> {
  using scratch = ScratchDirectory.create(suite);
  const dir = scratch.path;
  const modulesDir = path.join(dir, 'modules');
  if (!suite.startsWith('upstream')) await buildSelftests(root, kernel, modulesDir);
  await using machine = await QemuMachine.create({
    name: suite,
    kernelImage: kernel.imageFile,
    initFile: path.join(root, 'kernel-livepatch/qemu/init'),
    dir: path.join(dir, 'machine'),
    processors: options.cpus,
    ...(flavourOf(suite) === 'debug'
      ? { memoryMb: 2048, kernelArguments: [keepLog, ...spareTheEmulator, ...options.bootArguments] }
      : { memoryMb: 1024, kernelArguments: [keepLog, ...options.bootArguments] }),
  });
  await machine.start();
  await machine.waitReady(bootTimeoutMs);
  await machine.run(installModules(kernel.treeDir), bootTimeoutMs);
  const suiteCommand = command(suite, root, kernel, modulesDir, options);
  const { output, errors } = await follow(machine, suiteCommand, options.onProgress);
  const { passed, failed, remarks } = readTap(output);
  // Without its log it is not known that the kernel did not complain.
  const splats = await machine.run('dmesg').then(splatsIn, (error: unknown) => [`kernel log: ${String(error)}`]);
  const complaints = failed.length > 0 && errors !== '' ? [`stderr: ${errors}`] : [];
  const oracle = remarks.filter((remark) => remark.includes('mixtures'));
  return {
    suite,
    passed,
    failed: [...failed, ...splats, ...complaints],
    ...(oracle.length === 0 ? {} : { note: oracle.join('\n') }),
  };
}
