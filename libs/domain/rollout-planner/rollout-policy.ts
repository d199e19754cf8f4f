// SPDX-License-Identifier: GPL-2.0-only
import type { KernelBuildId, Seq } from '@lockstep/domain/livepatch-model';
import { refuseApprovals, type ApprovalRules } from './approval-rules';
import type { MetricGate } from '@lockstep/domain/probes';
import { counted } from '@lockstep/domain/visible-text';
import { refuseGates } from './refuse-gates';
import { noProbes, refuseProbes, type ProbeRules } from './probe-rules';
import type { BreakGlass } from './break-glass';
import type { Spread } from './domains';
import { allowedOf, explainShare, sizeOf, type Share } from './share';

/** How a rollout goes, whatever it is for. */
export interface RolloutRules {
  /** Nodes that go first, alone; at least 1. */
  readonly canaries: number;
  /** The labels that chose the canaries: nobody else takes their place; absent: any node may be one. */
  readonly canarySelector?: string | undefined;
  /** How many of a failure domain at once, over all waves; absent: as many as may anyhow. */
  readonly spread?: Spread | undefined;
  /** Sizes of the waves after that, of all planned nodes; the last one is repeated. At least one. */
  readonly waves: readonly Share[];
  /** How many of a wave's planned nodes may fail: it halts when there are more. */
  readonly allowedFailures: Share;
  /** How many of a wave's planned nodes may be on their way or unwell at once; null: all of them. */
  readonly atOnce: Share | null;
  /** One host that did not survive, or whose kernel had an oops, halts it, whatever is allowed. */
  readonly haltsOnCrash: boolean;
  /** For so long a node that does not arrive, or is away, is waited for. */
  readonly deadlineMs: number;
  /** For so long all of a wave must stay well before the next one opens. */
  readonly bakeMs: number;
  /** Whose word it needs before anything begins; null: nobody's. */
  readonly approvals: ApprovalRules | null;
  readonly probing: ProbeRules;
  /** What must keep to its bound while a wave proves itself. */
  readonly gates: readonly MetricGate[];
}

/** What a rollout takes back. */
export interface UndoneRollout {
  /** Its id. */
  readonly rollout: string;
  /** The last entry before those that it had shipped: who is no further holds nothing of it. */
  readonly after: Seq;
}

/** What an operator asked for: fixed for the whole life of a rollout. */
export interface RolloutPolicy extends RolloutRules {
  readonly kernelBuild: KernelBuildId;
  readonly toSeq: Seq;
  /** Of an emergency: it skips windows, for a while. */
  readonly breakGlass?: BreakGlass | undefined;
  /** Of one that rolls another back: how a node is with what is undone decides nothing. */
  readonly undoes?: UndoneRollout | undefined;
}

/** All of a policy but what it is for. */
export type PolicyRules = Omit<RolloutPolicy, 'kernelBuild' | 'toSeq'>;

/**
 * A tenth at a time. Of it one in a hundred may fail: of fewer none, and among ten thousand a full disk somewhere halts
 * nothing. A server takes its time to boot.
 */
export const defaultRules: RolloutRules = {
  canaries: 1,
  waves: [{ percent: 10 }],
  allowedFailures: { percent: 1 },
  atOnce: null,
  haltsOnCrash: true,
  deadlineMs: 15 * 60_000,
  bakeMs: 0,
  approvals: null,
  probing: noProbes,
  gates: [],
};

/** @param planned nodes of the wave */
export const budgetOf = ({ atOnce }: RolloutRules, planned: number): number =>
  atOnce === null ? planned : Math.min(planned, sizeOf(atOnce, planned));

/** How many nodes each wave has, of so many. */
export function waveSizes({ canaries, waves }: RolloutRules, nodes: number): number[] {
  const sizes: number[] = [];
  let left = nodes;
  while (left > 0) {
    const share = waves[Math.min(sizes.length - 1, waves.length - 1)];
    const size = Math.min(left, sizes.length === 0 || share === undefined ? canaries : sizeOf(share, nodes));
    sizes.push(size);
    left -= size;
  }
  return sizes;
}

const wholeFrom = (least: number, value: number): boolean => Number.isSafeInteger(value) && value >= least;

const isShare = (share: Share, least: number): boolean =>
  'nodes' in share ? wholeFrom(least, share.nodes) : wholeFrom(least, share.percent) && share.percent <= 100;

/** Why no rollout can go by these rules over so many nodes; undefined if one can. */
export function refuseRules(rules: RolloutRules, nodes: number): string | undefined {
  if (!wholeFrom(1, rules.canaries)) return 'A rollout starts with at least one canary: use a whole number from 1.';
  if (rules.waves.length === 0 || !rules.waves.every((share) => isShare(share, 1))) {
    return 'A wave has a whole number of nodes from 1, or a whole percentage from 1 to 100 of all.';
  }
  if (!isShare(rules.allowedFailures, 0)) {
    return 'Allowed failures are a whole number of nodes, or a whole percentage of each wave from 0 to 100.';
  }
  if (!isShare(rules.probing.allowedErrors, 0)) {
    return 'Allowed errors are a whole number of nodes, or a whole percentage of each wave from 0 to 100.';
  }
  if (rules.atOnce !== null && !isShare(rules.atOnce, 1)) {
    return 'At once goes a whole number of nodes from 1, or a whole percentage of each wave from 1 to 100.';
  }
  if (!wholeFrom(1, rules.deadlineMs)) return 'A deadline is a whole number of milliseconds from 1.';
  if (!wholeFrom(0, rules.bakeMs)) return 'A bake time is a whole number of milliseconds from 0.';
  const unmet =
    (rules.approvals === null ? undefined : refuseApprovals(rules.approvals)) ??
    refuseProbes(rules.probing) ??
    refuseGates(rules.gates);
  if (unmet !== undefined) return unmet;
  if (nodes > 0 && rules.canaries > nodes) {
    return `The cluster has ${counted(nodes, 'node')}, and ${rules.canaries} canaries are asked for: ask for at most ${nodes}.`;
  }
  return refuseBudget(rules, nodes);
}

/** Failures that are allowed use the budget up: with too many of them nobody else could ever start. */
function refuseBudget(rules: RolloutRules, nodes: number): string | undefined {
  for (const [wave, planned] of waveSizes(rules, nodes).entries()) {
    const budget = budgetOf(rules, planned);
    const allowed = allowedOf(rules.allowedFailures, planned);
    if (budget >= planned || allowed < budget) continue;
    return (
      `Wave ${wave} has ${counted(planned, 'node')}, ${budget} of them at once, and ${explainShare(rules.allowedFailures)} may fail: ` +
      `${budget} that fail would use that up, and nobody else could start. Allow fewer failures, or more at once.`
    );
  }
  return undefined;
}
