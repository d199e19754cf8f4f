// SPDX-License-Identifier: GPL-2.0-only
import type { QemuMachine } from '@lockstep/testing/qemu-machine';

/** How long a transition may take on an idle machine under emulation. */
const transitionSeconds = 60;

/** Every program that starts takes an emulated machine a tenth of a second: what the shell itself can do it does. */
const functions = (name: string): string => `
  wait_for() { for i in $(seq ${transitionSeconds * 5}); do "$@" && return 0; sleep 0.2; done; echo "timed out: $* ${name}" >&2; return 1; }
  patch=/sys/kernel/livepatch/${name}
  is() { read -r value <$patch/$1 && [ "$value" = $2 ]; }
  gone() { [ ! -e $patch ]; }
`;

/** A livepatch module that is in the guest as /run/NAME.ko. */
export interface LoadableModule {
  readonly name: string;
  /** Its builder tells that it does: then it must, for what is in it may be used after it is disabled. */
  readonly staysLoaded: boolean;
}

const unload = ({ name, staysLoaded }: LoadableModule): string =>
  staysLoaded
    ? `if rmmod ${name} 2>/dev/null; then echo '${name} was to stay loaded, and did not' >&2; exit 1; fi`
    : `rmmod ${name}`;

/**
 * Loads the modules one over the other, uses the kernel in many ways, unloads them from the top down; then nothing may be
 * left of them but what is told to stay.
 * @param exerciseFile exercise.pl, as the machine has it
 * @param exerciseOptions of that program
 */
export const stackScript = (
  modules: readonly LoadableModule[],
  exerciseFile: string,
  exerciseOptions: readonly string[] = [],
): string => `
  set -e
  # What the kernel says of modules of its own is nothing of a livepatch's.
  perl '${exerciseFile}' --load
  dmesg -C
  ${modules.map(({ name }) => `${functions(name)} insmod /run/${name}.ko; wait_for is transition 0; is enabled 1`).join('\n')}
  perl '${exerciseFile}' ${[...exerciseOptions, ''].join(' ')}${modules.map(({ name }) => name).join(' ')}
  ${[...modules]
    .reverse()
    .map((one) => `${functions(one.name)} echo 0 >$patch/enabled; wait_for gone; ${unload(one)}`)
    .join('\n')}
  ! dmesg | grep -E 'BUG|WARNING|Oops|Call Trace|RIP:' >&2
`;

/** What became of modules in a machine. */
export interface Loaded {
  /** What went wrong; undefined where they were loaded and unloaded without a word from the kernel. */
  readonly problem: string | undefined;
  /** How often a module's function ran ("MODULE FUNCTION"), of those that can be traced. */
  readonly calls: ReadonlyMap<string, number>;
  /** Of each way in which the kernel was used, how many seconds it took. */
  readonly took: ReadonlyMap<string, number>;
  /** For which there was no time. */
  readonly untried: readonly string[];
}

export const failedToLoad = (problem: string): Loaded => ({ problem, calls: new Map(), took: new Map(), untried: [] });

export async function loadAndExercise(
  machine: QemuMachine,
  modules: readonly LoadableModule[],
  exerciseFile: string,
  exerciseOptions: readonly string[],
): Promise<Loaded> {
  const limitMs = (4 * transitionSeconds * modules.length + exerciseSeconds) * 1000;
  const result = await machine
    .exec(stackScript(modules, exerciseFile, exerciseOptions), limitMs)
    .catch((error: unknown) => String(error));
  if (typeof result === 'string') return failedToLoad(result);
  const { status, stdout, stderr } = result;
  return {
    problem: status === 0 ? undefined : stderr.trim() || stdout.trim() || `status ${status}`,
    calls: callsIn(stdout),
    took: tookIn(stdout),
    untried: Array.from(stdout.matchAll(/^untried (\S+)$/gm), ([, way = '']) => way),
  };
}

/** What exercise.pl prints: a module, a function and how often it was seen, a line each. */
export function callsIn(text: string): Map<string, number> {
  return new Map([...text.matchAll(/^(\S+ \S+) (\d+)$/gm)].map(([, name = '', count]) => [name, Number(count)]));
}

/** What exercise.pl prints of its ways. */
export function tookIn(text: string): Map<string, number> {
  return new Map([...text.matchAll(/^took (\S+) ([\d.]+)$/gm)].map(([, way = '', seconds]) => [way, Number(seconds)]));
}

/** Each way is ended after some seconds; a host that is busy makes all of them slow. */
const exerciseSeconds = 3_000;

/** What a command printed, and how many stacks the kernel dumped meanwhile. */
export interface Observations {
  readonly before: string;
  readonly under: string;
  readonly after: string;
}

/** What parts one observation from the next. */
const cut = '=== cut ===';

/** More than the few calls that something may be counted over. */
const observedRuns = 5;

/**
 * Runs a command before the module is loaded, while it is, and after it is gone.
 * @returns what went wrong, as text, where that did not come to its end
 */
export async function observeUnder(
  machine: QemuMachine,
  file: string,
  name: string,
  command: string,
): Promise<Observations | string> {
  const observed = `
  set -e
  ${functions(name)}
  observe() {
    dmesg -C
    for i in $(seq ${observedRuns}); do ${command}; done
    echo "stacks: $(dmesg | grep -c 'Call Trace' || :)"
  }
  observe
  echo '${cut}'
  insmod ${file}
  wait_for is transition 0
  observe
  echo '${cut}'
  echo 0 >$patch/enabled
  wait_for gone
  rmmod ${name}
  observe
  ! dmesg | grep -E 'BUG|WARNING|Oops' >&2
`;
  const timeoutMs = 4 * transitionSeconds * 1000;
  const result = await machine.exec(observed, timeoutMs).catch((error: unknown) => String(error));
  if (typeof result === 'string') return result;
  const [before, under, after] = result.stdout.split(`${cut}\n`);
  if (result.status === 0 && before !== undefined && under !== undefined && after !== undefined) {
    return { before, under, after };
  }
  return result.stderr.trim() || `status ${result.status}`;
}
