// SPDX-License-Identifier: GPL-2.0-only
import { startTracing, traced } from '@lockstep/platform/tracing';
import type { Cli } from './cli';
import type { ExitCode } from './exit-code';
import { runProgram } from './program';

/** The name of a command is its first words. */
const commandOf = (args: readonly string[]): string => {
  const end = args.findIndex((arg) => !/^[a-z]+$/.test(arg));
  return args.slice(0, end === -1 ? 2 : Math.min(end, 2)).join(' ');
};

/** The command as a span, in the trace that the environment names (TRACEPARENT), so that several commands are one trace. */
export async function runTraced(cli: Cli, args: readonly string[]): Promise<ExitCode> {
  const endTracing = await startTracing('lockstep-cli', process.env);
  try {
    const parent = process.env['TRACEPARENT'];
    return await traced(`lockstep ${commandOf(args)}`, { parent, kind: 'client' }, () => runProgram(cli, args));
  } finally {
    await endTracing();
  }
}
