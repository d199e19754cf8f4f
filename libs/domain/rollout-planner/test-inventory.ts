// SPDX-License-Identifier: GPL-2.0-only
import { parseKernelBuildId, parseNodeName, parseSeq, type NodeStatus } from '@lockstep/domain/livepatch-model';
import type { NodeFacts, RolloutPlan } from './rollout-plan';
import { defaultRules, type RolloutPolicy } from './rollout-policy';

const kernelBuild = parseKernelBuildId('ab'.repeat(20));
export const toSeq = parseSeq(5);
/** One canary, then all; nobody may fail. */
export const strict: RolloutPolicy = {
  ...{ kernelBuild, toSeq, ...defaultRules },
  ...{ waves: [{ percent: 100 }], allowedFailures: { nodes: 0 } },
};
export const byOne: RolloutPolicy = { ...strict, waves: [{ nodes: 1 }] };

/**
 * A node in one line: `n1 ready`, with an optional `@position` and `>target`; `off` stands for a node that is not
 * connected, `damaged` for one whose journal is, `held` for one that only looks. A released node acknowledges its target: `n1 moving@4>5`.
 */
export function node(text: string): NodeFacts {
  const [, name, word, position, target] = /^(\S+) ([a-z-]+?)(?:@(\d+))?(?:>(\d+))?$/.exec(text) ?? [];
  if (name === undefined || word === undefined) throw new Error(`not a node: ${text}`);
  const at = parseSeq(Number(position ?? (word === 'there' ? toSeq : 4)));
  const statuses: Record<string, NodeStatus> = {
    ...{ ready: 'in-step', there: 'in-step', off: 'in-step' },
    ...{ damaged: 'failed', held: 'moving' },
  };
  const problems: Record<string, string> = {
    failed: 'insmod said no',
    damaged: 'the journal does not verify',
    held: 'it only looks',
  };
  return {
    node: parseNodeName(name),
    kernelBuild: word === 'alien' ? null : kernelBuild,
    connected: word !== 'off',
    report:
      word === 'silent'
        ? null
        : {
            status: statuses[word] ?? (word === 'alien' ? 'in-step' : (word as NodeStatus)),
            position: at,
            target: parseSeq(Number(target ?? at)),
            problem: problems[word] ?? null,
            takesNoTarget: word === 'damaged',
          },
  };
}

export const inventory = (text: string): NodeFacts[] => text.split(', ').map(node);

/** `n1/0 there` a node, by name: wave, reason for "not yet". */
export const show = (plan: RolloutPlan): string =>
  plan.nodes
    .map(({ node: name, wave, notYet }) => `${name}/${wave ?? 'late'} ${notYet?.reason ?? 'there'}`)
    .sort()
    .join(', ');

export const moved = (plan: RolloutPlan): string => plan.moves.map((move) => move.node).join(' ');
