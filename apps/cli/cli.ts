// SPDX-License-Identifier: GPL-2.0-only
import { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { SysfsKernel, SysfsKernelOptions } from '@lockstep/io/livepatch-sysfs';
import { connectOperator, type OperatorClient } from '@lockstep/io/rpc-client';
import { exitCodeOf, exitCodes, type ExitCode } from './exit-code';
import { createScreen, type Screen, type Streams } from './screen';
import { readServerConfig, type ServerFlags } from './server-config';

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

export interface LeafOptions extends ServerFlags {
  readonly json?: boolean;
}

export interface TaskContext {
  readonly fleet: OperatorClient['fleet'];
  readonly build: OperatorClient['build'];
  readonly access: OperatorClient['access'];
  readonly audit: OperatorClient['audit'];
  readonly screen: Screen;
  readonly signal: AbortSignal;
  /** host:port, as it was reached. */
  readonly server: string;
}

/** What a command answers: one JSON document, or the same for people. */
export interface Answer {
  readonly document: unknown;
  readonly text: string;
  /** It was answered, but what was asked for did not come to be (a build that failed): exit 1. */
  readonly hasFailed?: boolean;
}

export type Task = (context: TaskContext) => Promise<Answer>;

/** What a command has that asks no server. */
export type LocalContext = Pick<TaskContext, 'screen' | 'signal'>;
export type LocalTask = (context: LocalContext) => Promise<Answer>;

export interface Cli {
  readonly host: HostMachine | undefined;
  /** For what no command answers: help, completion scripts. */
  readonly screen: Screen;
  /** Runs `task` without any server, prints its answer or its error, sets the exit code. */
  runHere(options: Pick<LeafOptions, 'json'>, task: LocalTask): Promise<void>;
  /** Runs `task` against the server that `options` name, prints its answer or its error, sets the exit code. */
  run(options: LeafOptions, task: Task): Promise<void>;
  setExitCode(code: ExitCode): void;
  exitCode(): ExitCode;
}

/** A command that talks to the server: every one takes these options. */
export function leafCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'print one JSON document')
    .option('--server <host:port>', 'operator address of the control plane (LOCKSTEP_SERVER)')
    .option('--token-file <file>', 'file with your access token (LOCKSTEP_TOKEN_FILE)')
    .option('--ca-file <file>', "certificate of the control plane's CA (LOCKSTEP_CA_FILE)")
    .option('--why <text>', 'why you do it, for the audit log')
    .option('--state-dir <folder>', 'state folder of a control plane on this machine (LOCKSTEP_STATE_DIR)');
}

/** `value` for the word and hint `<id>` of options that may be given more than once. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Whole numbers for options. @throws LockstepError `usage`. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new LockstepError('invalid-input', 'usage', `"${text}" is not a whole number.`, { text });
}

export function describeError(error: unknown, server: string | undefined): string {
  if (exitCodeOf(error) === exitCodes.unreachable) {
    return `the control plane at ${server ?? 'the given address'} does not answer: ${(error as Error).message}`;
  }
  return error instanceof Error ? error.message : String(error);
}

function errorDocument(error: unknown): unknown {
  const { kind, reason, message, fields } =
    error instanceof LockstepError
      ? error
      : { kind: 'internal', reason: 'internal', message: String(error), fields: {} };
  return { error: { kind, reason, message, fields } };
}

export function createCli(surroundings: Surroundings): Cli {
  const { env, signal } = surroundings;
  let exitCode: ExitCode = exitCodes.done;
  const answer = async (isJson: boolean, server: () => string | undefined, task: LocalTask): Promise<void> => {
    const screen = createScreen(surroundings, isJson);
    try {
      const { document, text, hasFailed } = await task({ signal, screen });
      if (isJson) screen.printDocument(document);
      else if (text !== '') screen.print(`${text}\n`);
      exitCode = hasFailed === true ? exitCodes.failed : exitCodes.done;
    } catch (error) {
      if (isJson) screen.printDocument(errorDocument(error));
      screen.complain(`error: ${describeError(error, server())}\n`);
      exitCode = exitCodeOf(error);
    }
  };
  return {
    host: surroundings.host,
    screen: createScreen(surroundings, false),
    exitCode: () => exitCode,
    setExitCode(code) {
      exitCode = code;
    },
    runHere: (options, task) => answer(options.json === true, () => undefined, task),
    async run(options, task) {
      let client: OperatorClient | undefined;
      let server = '';
      const ask = async (context: LocalContext): Promise<Answer> => {
        const config = readServerConfig(options, env);
        server = config.address;
        client = connectOperator(config);
        return task({
          ...context,
          server,
          fleet: client.fleet,
          build: client.build,
          access: client.access,
          audit: client.audit,
        });
      };
      await answer(options.json === true, () => (server === '' ? undefined : server), ask);
      client?.close();
    },
  };
}
