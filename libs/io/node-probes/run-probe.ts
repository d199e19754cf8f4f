// SPDX-License-Identifier: GPL-2.0-only
import type { Probe } from '@lockstep/domain/probes';
import { findProbeCommand, type ProbeCommandsOptions } from './probe-commands';
import type { ProbeOutcome } from './probe-outcome';
import { runCommand } from './run-command';
import { askHttp, askTcp } from './run-connection';

export type { ProbeOutcome };

export interface ProbeRun {
  readonly timeoutMs: number;
  readonly commands: ProbeCommandsOptions;
  /** Nobody asks any more: what runs is ended. */
  readonly signal: AbortSignal;
}

async function attempt(probe: Probe, commands: ProbeCommandsOptions, signal: AbortSignal): Promise<ProbeOutcome> {
  switch (probe.kind) {
    case 'http':
      return askHttp(probe, signal);
    case 'tcp':
      return askTcp(probe, signal);
    case 'command':
      return runCommand(await findProbeCommand(probe.name, commands), signal);
  }
}

/** Runs it once. Whatever kept it from being measured is its outcome, never an exception. */
export async function runProbe(probe: Probe, { timeoutMs, commands, signal }: ProbeRun): Promise<ProbeOutcome> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  return attempt(probe, commands, limit).catch((error: unknown) => ({
    verdict: 'error' as const,
    message: error instanceof Error ? error.message : String(error),
  }));
}
