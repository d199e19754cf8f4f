// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { StartRolloutRequest } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { numberFromOne, type TaskContext } from './cli';
import { kernelBuildOption, resolveKernelBuild } from './resolve-kernel-build';
import { ruleOptions, rulesFrom, type RuleOptions } from './rule-options';

/** Which rollout, and how it is to go: the same words to plan it and to start it. */
export interface RolloutOptions extends RuleOptions {
  readonly cluster?: string;
  readonly kernelBuild?: string;
  readonly to?: number;
}

export const rolloutOptions = (command: Command): Command =>
  ruleOptions(command)
    .option('--cluster <cluster>', 'whose nodes')
    .option('--to <seq>', 'position (default: the head)', numberFromOne)
    .option(...kernelBuildOption);

function clusterOf({ cluster }: RolloutOptions): string {
  if (cluster !== undefined) return cluster;
  throw new LockstepError('invalid-input', 'usage', 'Say whose nodes: --cluster CLUSTER.');
}

/** @param planHash of what was shown; empty: of nothing @throws LockstepError `usage` without a cluster. */
export async function rolloutRequest(
  context: TaskContext,
  options: RolloutOptions,
  planHash = '',
): Promise<StartRolloutRequest> {
  const { to: toSeq = 0, canaries = 0 } = options;
  const cluster = clusterOf(options);
  const kernelBuildId = await resolveKernelBuild(context, options.kernelBuild);
  return {
    cluster,
    kernelBuildId,
    toSeq,
    canaries,
    waveSize: 0,
    rules: rulesFrom(options),
    planHash,
  };
}

/** The first wave of an emergency is its own. @throws LockstepError `usage`. */
export function insistNoCanaries(canaries: number): void {
  if (canaries === 0) return;
  const message = 'An emergency begins with 5 % of the nodes: leave --canaries out; --canary-selector says which.';
  throw new LockstepError('invalid-input', 'usage', message);
}
