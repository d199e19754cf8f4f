// SPDX-License-Identifier: GPL-2.0-only
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { buildError } from './failure';
import { compilerLimits, hardLimits, type Limits } from './limits';
import { buildEnvironment, runCommand, type CommandOptions, type CommandResult } from './run-command';
import {
  bubblewrapCommand,
  namespacesCommand,
  sandboxEnvironment,
  viewOf,
  type Mount,
  type View,
} from './sandbox-view';

/** What can be asked for. `auto`: the best that works here; `none`: no sandbox, limits alone. */
export const sandboxChoices = ['auto', 'bubblewrap', 'namespaces', 'none'] as const;
export type SandboxChoice = (typeof sandboxChoices)[number];
export type SandboxKind = Exclude<SandboxChoice, 'auto'>;

/** `makes`: how a command is wrapped. */
interface Sandbox {
  readonly kind: SandboxKind;
  readonly makes: (view: View, root: string) => string[];
}

const none: Sandbox = { kind: 'none', makes: () => [] };

/** The best first. Without user namespaces bubblewrap still works for root. */
const sandboxes: readonly Sandbox[] = [
  { kind: 'bubblewrap', makes: (view) => bubblewrapCommand(view, true) },
  { kind: 'bubblewrap', makes: (view) => bubblewrapCommand(view, false) },
  { kind: 'namespaces', makes: namespacesCommand },
];

let chosen: Promise<Sandbox> | undefined;

/**
 * Decides, for this whole process, what compilers and make run in. Undecided, it is what `LOCKSTEP_SANDBOX` says, or `auto`.
 * @throws LockstepError `no-sandbox` where what is asked for does not work here
 */
export async function useSandbox(choice: SandboxChoice): Promise<SandboxKind> {
  chosen = choose(choice);
  chosen.catch(() => undefined);
  return (await chosen).kind;
}

async function sandboxInUse(): Promise<Sandbox> {
  chosen ??= choose(parseSandboxChoice(process.env['LOCKSTEP_SANDBOX'] ?? 'auto'));
  return chosen;
}

/** Whether what compilers write must be given a place of its own. */
export const isSandboxed = async (): Promise<boolean> => (await sandboxInUse()).kind !== 'none';

/** @throws LockstepError `invalid-config` */
export function parseSandboxChoice(text: string): SandboxChoice {
  const choice = sandboxChoices.find((one) => one === text);
  if (choice !== undefined) return choice;
  const message = `LOCKSTEP_SANDBOX=${text}: give one of ${sandboxChoices.join(', ')}.`;
  throw new LockstepError('invalid-input', 'invalid-config', message);
}

async function choose(choice: SandboxChoice): Promise<Sandbox> {
  if (choice === 'none') return none;
  const tried: string[] = [];
  for (const sandbox of sandboxes) {
    if (choice !== 'auto' && choice !== sandbox.kind) continue;
    const said = await tryOut(sandbox);
    if (said === undefined) return sandbox;
    tried.push(`${sandbox.kind}: ${said}`);
  }
  throw buildError({ kind: 'no-sandbox', asked: choice, tried: [...new Set(tried)] });
}

/** What it says where it does not work. */
async function tryOut(sandbox: Sandbox): Promise<string | undefined> {
  try {
    const options = { what: 'a trial of the sandbox', cwd: '/', mounts: [], limits: compilerLimits() };
    const { status, output } = await runIn(sandbox, 'true', [], options);
    if (status === 0) return undefined;
    return output.trim().split('\n').at(-1) ?? `it ended with status ${status}`;
  } catch (error) {
    return (error as Error).message;
  }
}

export interface SandboxedOptions extends Pick<CommandOptions, 'signal' | 'onLine' | 'inheritedDescriptor'> {
  /** What runs, for errors: `the compiler of fs/proc/meminfo.o`. */
  readonly what: string;
  /** Where it runs: the same path inside. */
  readonly cwd: string;
  /** What it sees besides the toolchain; later ones lie over earlier ones. */
  readonly mounts: readonly Mount[];
  readonly limits: Limits;
  /** All of its environment but where programs are and its locale. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/**
 * Runs a program that a diff may have a word in: without network, without what this process's environment holds, seeing
 * nothing of this machine but the toolchain and what it is given, and no more than its limits allow.
 * @throws LockstepError `limit-exceeded`, `no-sandbox`
 */
export async function runSandboxed(
  program: string,
  args: readonly string[],
  options: SandboxedOptions,
): Promise<CommandResult> {
  return runIn(await sandboxInUse(), program, args, options);
}

/** Enough for what compilers keep there; a program that fills it has run into a limit. */
const temporaryBytes = 2 ** 30;

/** A program as it is started in its sandbox. */
export interface WrappedCommand extends Disposable {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

type Wrapping = Pick<SandboxedOptions, 'cwd' | 'mounts' | 'limits' | 'env'>;

/** For who streams to or from it; only the kernel watches its limits then. */
export async function sandboxed(program: string, args: readonly string[], options: Wrapping): Promise<WrappedCommand> {
  return wrap(await sandboxInUse(), program, args, options);
}

function wrap(
  sandbox: Sandbox,
  program: string,
  args: readonly string[],
  { cwd, mounts, limits, env }: Wrapping,
): WrappedCommand {
  const root = sandbox.kind === 'namespaces' ? mkdtempSync(join(tmpdir(), 'lockstep-root-')) : undefined;
  const isNone = sandbox.kind === 'none';
  const view = viewOf(mounts, cwd, Math.min(temporaryBytes, limits.diskBytes));
  const [first = '', ...wrapped] = [...hardLimits(limits), ...sandbox.makes(view, root ?? ''), program, ...args];
  return {
    program: first,
    args: wrapped,
    cwd: isNone ? cwd : '/',
    env: { ...(isNone ? buildEnvironment() : sandboxEnvironment()), ...env },
    [Symbol.dispose]: () => {
      if (root !== undefined) rmdirSync(root);
    },
  };
}

async function runIn(
  sandbox: Sandbox,
  name: string,
  given: readonly string[],
  { what, signal, onLine, inheritedDescriptor, ...options }: SandboxedOptions,
): Promise<CommandResult> {
  const { limits, mounts } = options;
  using wrapped = wrap(sandbox, name, given, options);
  const { program, args, cwd, env } = wrapped;
  const folders = mounts.flatMap(({ source, isWritable }) => (isWritable && source !== undefined ? [source] : []));
  const limited = { limits, what, folders };
  return await runCommand(program, args, { cwd, env, signal, onLine, inheritedDescriptor, limited });
}
