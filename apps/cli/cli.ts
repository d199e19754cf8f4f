// SPDX-License-Identifier: GPL-2.0-only
import { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { connectOperator, type OperatorClient } from '@lockstep/io/rpc-client';
import { exitCodeOf, exitCodes, type ExitCode } from './exit-code';
import { createScreen, type OutputStream, type Screen } from './screen';
import { readServerConfig, type ServerFlags } from './server-config';

/** The process as the CLI sees it; tests bring their own. */
export interface Surroundings {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface LeafOptions extends ServerFlags {
  readonly json?: boolean;
}

export interface TaskContext {
  readonly fleet: OperatorClient['fleet'];
  readonly build: OperatorClient['build'];
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

export interface Cli {
  readonly surroundings: Surroundings;
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
    .option('--token-file <file>', 'file with the operator token (LOCKSTEP_TOKEN_FILE)')
    .option('--ca-file <file>', "certificate of the control plane's CA (LOCKSTEP_CA_FILE)")
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
  const { stdout, stderr, env, signal } = surroundings;
  let exitCode: ExitCode = exitCodes.done;
  const printJson = (document: unknown): void => {
    stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  };
  return {
    surroundings,
    exitCode: () => exitCode,
    setExitCode(code) {
      exitCode = code;
    },
    async run(options, task) {
      const isJson = options.json === true;
      let client: OperatorClient | undefined;
      let server: string | undefined;
      try {
        const config = readServerConfig(options, env);
        server = config.address;
        client = connectOperator(config);
        const { fleet, build } = client;
        const answer = await task({ fleet, build, server, signal, screen: createScreen(stdout, isJson) });
        if (isJson) printJson(answer.document);
        else if (answer.text !== '') stdout.write(`${answer.text}\n`);
        exitCode = answer.hasFailed === true ? exitCodes.failed : exitCodes.done;
      } catch (error) {
        if (isJson) printJson(errorDocument(error));
        stderr.write(`error: ${describeError(error, server)}\n`);
        exitCode = exitCodeOf(error);
      } finally {
        client?.close();
      }
    },
  };
}
