// SPDX-License-Identifier: GPL-2.0-only
import type { Probe } from '@lockstep/domain/probes';
import { findProbeCommand, type ProbeCommand, type ProbeCommandsOptions } from './probe-commands';
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

/** By file and name, those that are being read: a disk that hangs holds one read of each, and not one more each turn. */
const lookups = new Map<string, Promise<ProbeCommand>>();

function lookUp(name: string, commands: ProbeCommandsOptions, signal: AbortSignal): Promise<ProbeCommand> {
  const key = JSON.stringify([commands.file, name]);
  const found = lookups.get(key) ?? findProbeCommand(name, commands).finally(() => lookups.delete(key));
  lookups.set(key, found);
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      reject(new Error('its program, or the list that names it, could not be read in time'));
    };
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    found.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', giveUp);
    });
  });
}

async function attempt(probe: Probe, commands: ProbeCommandsOptions, signal: AbortSignal): Promise<ProbeOutcome> {
  switch (probe.kind) {
    case 'http':
      return askHttp(probe, signal);
    case 'tcp':
      return askTcp(probe, signal);
    case 'command':
      return runCommand(await lookUp(probe.name, commands, signal), signal);
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
