// SPDX-License-Identifier: GPL-2.0-only
import type { ChildProcess } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorCode } from '@lockstep/platform/runtime';
import { killGroup, spawnGroup } from './process-groups';
import { buildEnvironment, statusOf } from './run-command';

/** How a program that was streamed from or to has ended. */
export interface StreamedResult {
  /** Exit code, as in CommandResult. */
  readonly status: number;
  /** What it wrote to standard error. */
  readonly errors: string;
}

interface Started {
  readonly child: ChildProcess;
  readonly result: Promise<StreamedResult>;
}

/** What is started: a program as it is, or one in a sandbox. */
export interface StartedAs {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

function start(
  { program, args, cwd, env = buildEnvironment() }: StartedAs,
  stdio: ('ignore' | 'pipe')[],
  signal?: AbortSignal,
): Started {
  signal?.throwIfAborted();
  const child = spawnGroup(program, args, { cwd, env, stdio });
  const kill = (): void => {
    killGroup(child);
  };
  signal?.addEventListener('abort', kill, { once: true });
  const errors: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  const result = statusOf(child)
    .then((status) => ({ status, errors: Buffer.concat(errors).toString('utf8').trim() }))
    .finally(() => signal?.removeEventListener('abort', kill));
  // Whoever streams looks at it last.
  result.catch(() => undefined);
  return { child, result };
}

/**
 * What a program writes to its standard output, as it comes and no faster than it is taken; then how it ended.
 * Left off early, the program is killed.
 */
export async function* readCommand(
  program: string,
  args: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<Buffer, StreamedResult> {
  const { child, result } = start({ program, args }, ['ignore', 'pipe', 'pipe'], signal);
  try {
    for await (const chunk of child.stdout ?? []) yield chunk as Buffer;
    const ended = await result;
    signal?.throwIfAborted();
    return ended;
  } finally {
    killGroup(child);
  }
}

/** Gives a program its standard input. @throws what `input` throws; then the program is killed. */
export async function feedCommand(
  command: StartedAs,
  input: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<StreamedResult> {
  const { child, result } = start(command, ['pipe', 'ignore', 'pipe'], signal);
  const { stdin } = child;
  if (stdin === null) throw new Error(`${command.program} has no standard input`);
  try {
    await pipeline(Readable.from(input, { objectMode: false }), stdin);
  } catch (error) {
    // A program that ends before its input does says itself why.
    if (!['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(errorCode(error) ?? '')) {
      killGroup(child);
      throw error;
    }
  }
  const ended = await result;
  signal?.throwIfAborted();
  return ended;
}
