// SPDX-License-Identifier: GPL-2.0-only
import { Consistency } from '@lockstep/contracts/generated';
import type { WireSwitching } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import {
  defaultStableMs,
  defaultTransitionTimeoutMs,
  parseStableMs,
  parseTransitionTimeoutMs,
} from '@lockstep/domain/load-order';
import { readTimeOrDefault, showDuration } from './duration';

// How kernels switch and when a host has come through it: what the commands take, and how they show it.

const modes: Readonly<Record<string, Consistency>> = {
  default: Consistency.CONSISTENCY_UNSPECIFIED,
  per_task: Consistency.CONSISTENCY_PER_TASK,
  system: Consistency.CONSISTENCY_SYSTEM,
  stop_machine: Consistency.CONSISTENCY_STOP_MACHINE,
};

function readConsistency(text: string): Consistency {
  const mode = modes[text];
  if (mode !== undefined) return mode;
  const message = `"${text}" is no consistency: use per_task, system or stop_machine.`;
  throw new LockstepError('invalid-input', 'usage', message, { text });
}

/** Options that choose how kernels switch, as commander gives them. */
export interface SwitchingOptions {
  readonly consistency?: Consistency;
  readonly transitionTimeout?: number;
  readonly stable?: number;
}

/** For commands that choose how kernels switch; `default` takes back what a cluster was set to. */
export const consistencyOption = (whenNotGiven: string) =>
  [
    '--consistency <mode>',
    `how kernels switch: per_task, system or stop_machine (default: ${whenNotGiven})`,
    readConsistency,
  ] as const;

export const timeoutOption = (whenNotGiven: string) =>
  [
    '--transition-timeout <time>',
    `after how long a transition is taken back, as in 30s or 5m (default: ${whenNotGiven})`,
    readTimeOrDefault('transition timeout', parseTransitionTimeoutMs),
  ] as const;

export const stableOption = (whenNotGiven: string) =>
  [
    '--stable <time>',
    `how long a host must be well after the load: a crash before that quarantines it (default: ${whenNotGiven})`,
    readTimeOrDefault('stable time', parseStableMs),
  ] as const;

/** A word of one entry, or one load, and of no cluster. */
export const mayInterruptOption = [
  '--may-interrupt',
  'rather interrupt sleeping tasks (their calls end with EINTR) than take a transition back; without it none takes longer than 12s task by task',
] as const;

/** As requests carry it: zeros where nothing is said. */
export const switchingOf = ({ consistency, transitionTimeout, stable }: SwitchingOptions): WireSwitching => ({
  consistency: consistency ?? Consistency.CONSISTENCY_UNSPECIFIED,
  transitionTimeoutMs: transitionTimeout ?? 0,
  stableMs: stable ?? 0,
});

/** `per_task`, as it is typed; empty where it is left to the kernel. */
export const consistencyWord = (mode: Consistency): string =>
  mode === Consistency.CONSISTENCY_UNSPECIFIED
    ? ''
    : (Object.entries(modes).find(([, each]) => each === mode)?.[0] ?? '');

/** `consistency system, taken back after 30s, stable after 10m`; empty where nothing is said. */
export function describeSwitching({ consistency, transitionTimeoutMs, stableMs }: WireSwitching): string {
  const mode = consistencyWord(consistency);
  const said = [
    mode === '' ? '' : `consistency ${mode}`,
    transitionTimeoutMs === 0 ? '' : `taken back after ${showDuration(transitionTimeoutMs)}`,
    stableMs === 0 ? '' : `stable after ${showDuration(stableMs)}`,
  ];
  return said.filter((each) => each !== '').join(', ');
}

/** What applies where neither entry nor cluster say it. */
export const agentsTimeout = showDuration(defaultTransitionTimeoutMs);
export const agentsStableTime = showDuration(defaultStableMs);
