// SPDX-License-Identifier: GPL-2.0-only
import { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { SysfsKernel, SysfsKernelOptions } from '@lockstep/io/livepatch-sysfs';
import { connectOperator, type OperatorClient } from '@lockstep/io/rpc-client';
import type { Answer } from './answer';
import { exitCodeOf, exitCodes, type ExitCode } from './exit-code';
import { inWords } from './file-fault';
import { meantNames } from './known-names';
import { nextStep } from './next-step';
import { answerText, formOf, isForPrograms, outputOption, printAs, type OutputOptions } from './output-form';
import { createScreen, type Screen, type Streams } from './screen';
import { readServerConfig, type ServerFlags } from './server-config';
import { readTimeout } from './timeout-option';
import { watchAnswer } from './watch-answer';
import { yamlText } from './yaml-text';

/** The machine that `lockstep host` works on. */
export interface HostMachine {
  /** Whether modules may be loaded and unloaded. */
  readonly isRoot: boolean;
  openKernel(
    options: Pick<SysfsKernelOptions, 'onLoading' | 'onWaiting' | 'signal' | 'transitionTimeoutMs'>,
  ): SysfsKernel;
}

/** The process as the CLI sees it; tests bring their own. */
export interface Surroundings extends Streams {
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  /** This one if undefined. */
  readonly host?: HostMachine;
}

export type { Answer };

export interface LeafOptions extends ServerFlags, OutputOptions {
  /** In ms. */
  readonly timeout?: number;
  readonly watch?: boolean;
}

export interface TaskContext {
  readonly fleet: OperatorClient['fleet'];
  readonly build: OperatorClient['build'];
  readonly access: OperatorClient['access'];
  readonly audit: OperatorClient['audit'];
  readonly campaigns: OperatorClient['campaigns'];
  readonly screen: Screen;
  readonly signal: AbortSignal;
  /** host:port, as it was reached. */
  readonly server: string;
}

export type Task = (context: TaskContext) => Promise<Answer>;

/** What a command has that asks no server. */
export type LocalContext = Pick<TaskContext, 'screen' | 'signal'>;
export type LocalTask = (context: LocalContext) => Promise<Answer>;

export interface Cli {
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly host: HostMachine | undefined;
  /** For what no command answers: help, completion scripts. */
  readonly screen: Screen;
  /** Runs `task` without any server, prints its answer or its error, sets the exit code. */
  runHere(options: LeafOptions, task: LocalTask): Promise<void>;
  /** Runs `task` against the server that `options` name, prints its answer or its error, sets the exit code. */
  run(options: LeafOptions, task: Task): Promise<void>;
  setExitCode(code: ExitCode): void;
  exitCode(): ExitCode;
}

/** A command that talks to the server: every one takes these options. */
export function leafCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'the same as -o json')
    .addOption(outputOption())
    .option('--timeout <time>', 'give up after this long, exit 4; what was begun goes on', readTimeout)
    .option('--context <name>', 'of lockstep context (LOCKSTEP_CONTEXT)')
    .option('--server <host:port>', 'operator address of the control plane (LOCKSTEP_SERVER)')
    .option('--token-file <file>', 'file with your access token (LOCKSTEP_TOKEN_FILE)')
    .option(
      '--cert-file <file>',
      'file with your client certificate and its key, instead of a token (LOCKSTEP_CERT_FILE)',
    )
    .option('--ca-file <file>', "certificate of the control plane's CA (LOCKSTEP_CA_FILE)")
    .option('--why <text>', 'why you do it, for the audit log')
    .option('--state-dir <folder>', 'state folder of a control plane on this machine (LOCKSTEP_STATE_DIR)');
}

/** One that shows something, and can show it again whenever it changes. */
export const viewCommand = (name: string, description: string): Command =>
  leafCommand(name, description).option('-w, --watch', 'show it again whenever it changes, until Ctrl-C');

/** `value` for the word and hint `<id>` of options that may be given more than once. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** What helps to mend a command is no reason to wait. */
const explainWithinMs = 3_000;

/** Whole numbers for options. @throws LockstepError `usage`. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new LockstepError('invalid-input', 'usage', `"${text}" is not a whole number.`, { text });
}

/** For what there is none of at 0, which the API takes for what was not said. @throws LockstepError `usage`. */
export function numberFromOne(text: string): number {
  const value = wholeNumber(text);
  if (value > 0) return value;
  throw new LockstepError('invalid-input', 'usage', `"${text}" is none: use a whole number from 1.`, { text });
}

const timedOut = (ms: number): LockstepError =>
  new LockstepError('cancelled', 'timed-out', `It was not done within ${ms / 1000} s. What was begun goes on.`, { ms });

export function describeError(error: unknown, server: string | undefined): string {
  if (exitCodeOf(error) === exitCodes.unreachable) {
    return `the control plane at ${server ?? 'the given address'} does not answer: ${(error as Error).message}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** An error with the names that may have been meant. */
interface Failure {
  readonly error: unknown;
  readonly meant: readonly string[];
}

function errorDocument({ error, meant }: Failure): unknown {
  const known = error instanceof LockstepError ? error : new LockstepError('internal', 'internal', String(error));
  const { kind, reason, message, fields } = known;
  return { error: { kind, reason, message, fields, didYouMean: meant, next: nextStep(known) ?? null } };
}

function errorText({ error, meant }: Failure, server: string | undefined): string {
  const next = error instanceof LockstepError ? nextStep(error) : undefined;
  const lines = [
    `error: ${describeError(error, server)}`,
    ...(meant.length === 0 ? [] : [`Did you mean ${meant.join(' or ')}?`]),
    ...(next === undefined ? [] : [`next: ${next}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** One run of a command: its answer printed once, or with --watch whenever it is another. */
async function printAnswers(
  ask: () => Promise<Answer>,
  { screen, signal }: LocalContext,
  options: LeafOptions,
): Promise<ExitCode> {
  const form = formOf(options);
  if (options.watch === true) {
    const text = async () => answerText(await ask(), form);
    const tell = (each: string): void => {
      screen.clear();
      printAs(screen, each, form);
    };
    return watchAnswer(text, tell, signal);
  }
  const answer = await ask();
  printAs(screen, answerText(answer, form), form);
  if (answer.hasHalted === true) return exitCodes.halted;
  return answer.hasFailed === true ? exitCodes.failed : exitCodes.done;
}

export function createCli(surroundings: Surroundings): Cli {
  const { env } = surroundings;
  let exitCode: ExitCode = exitCodes.done;
  /** @param explain the names that may have been meant, if the error is about one */
  const answer = async (
    options: LeafOptions,
    server: () => string | undefined,
    task: LocalTask,
    explain: (error: unknown) => Promise<string[]> = () => Promise.resolve([]),
  ): Promise<void> => {
    const form = formOf(options);
    const screen = createScreen(surroundings, isForPrograms(form));
    const late = options.timeout === undefined ? undefined : AbortSignal.timeout(options.timeout);
    const signal = late === undefined ? surroundings.signal : AbortSignal.any([surroundings.signal, late]);
    try {
      exitCode = await printAnswers(() => task({ signal, screen }), { signal, screen }, options);
    } catch (cause) {
      const isLate = late?.aborted === true && !surroundings.signal.aborted;
      const error = isLate ? timedOut(options.timeout ?? 0) : inWords(asInterrupt(cause, signal));
      const failure: Failure = { error, meant: await explain(error) };
      if (form === 'json') screen.printJson(`${JSON.stringify(errorDocument(failure), null, 2)}\n`);
      else if (form === 'yaml') screen.print(yamlText(errorDocument(failure)));
      screen.complain(errorText(failure, server()));
      exitCode = exitCodeOf(error);
    }
  };
  return {
    host: surroundings.host,
    env,
    screen: createScreen(surroundings, false),
    exitCode: () => exitCode,
    setExitCode(code) {
      exitCode = code;
    },
    runHere: (options, task) => answer(options, () => undefined, task),
    async run(options, task) {
      let client: OperatorClient | undefined;
      let server = '';
      const ask = async (context: LocalContext): Promise<Answer> => {
        const config = readServerConfig(options, env);
        server = config.address;
        client ??= connectOperator(config);
        return task({
          ...context,
          server,
          fleet: client.fleet,
          build: client.build,
          access: client.access,
          audit: client.audit,
          campaigns: client.campaigns,
        });
      };
      const explain = async (error: unknown): Promise<string[]> => {
        if (client === undefined || !(error instanceof LockstepError)) return [];
        const signal = AbortSignal.any([surroundings.signal, AbortSignal.timeout(explainWithinMs)]);
        return meantNames(error, { ...client, signal });
      };
      await answer(options, () => (server === '' ? undefined : server), ask, explain);
      client?.close();
    },
  };
}

/** A wait that Ctrl-C ended says so in words of its own. */
function asInterrupt(error: unknown, signal: AbortSignal): unknown {
  if (!signal.aborted || error instanceof LockstepError) return error;
  return new LockstepError('cancelled', 'interrupted', 'Interrupted.');
}
