// SPDX-License-Identifier: GPL-2.0-only
import type { PlannedGate as WireGate, PlanRolloutResponse } from '@lockstep/contracts/generated';
import { functionToWire } from '@lockstep/contracts/wire';
import type { ClusterName } from '@lockstep/domain/livepatch-model';
import { isLoad, type LogEntry } from '@lockstep/domain/load-order';
import type { PlannedGate as Planned, RolloutPolicy, RolloutPreview } from '@lockstep/domain/rollout-planner';
import { explainClosed } from '@lockstep/domain/schedule';
import type { Uses } from '../services';
import { rolloutToWire } from '../views/rollout-view';

/** Some of many nodes. */
const mostNamed = 5;

const gateToWire = ({ gate, nodes }: Planned): WireGate => ({
  ...{ nodes: nodes.length, first: nodes.slice(0, mostNamed) },
  closed: gate.kind === 'open' ? '' : explainClosed(gate),
  opensAt: gate.kind === 'open' ? undefined : new Date(gate.opensAtMs),
  closesAt: gate.kind === 'open' && gate.untilMs !== null ? new Date(gate.untilMs) : undefined,
});

/** What each node will do, and which patches will run in part. */
export function previewToWire(
  { nodes, torn }: RolloutPreview,
  entries: readonly LogEntry[],
): Pick<PlanRolloutResponse, 'nodes' | 'torn'> {
  const nameOf = new Map(entries.filter(isLoad).map(({ seq, body }) => [seq, body.artifact.patchName]));
  return {
    nodes: nodes.map(({ node, unloads, loads, leftOut }) => ({
      ...{ node, unloads: [...unloads], loads: [...loads], leftOut: leftOut ?? '' },
    })),
    torn: torn.map(({ id, running, shadowed }) => ({
      seq: id,
      patchName: nameOf.get(id) ?? '',
      running: running.map(functionToWire),
      shadowed: shadowed.map(({ function: fn }) => functionToWire(fn)),
    })),
  };
}

/** Everything that a rollout would do if it began now. @param entries of the load order as it would be then */
export async function plannedAnswer(
  { rollouts }: Uses<'rollouts'>,
  cluster: ClusterName,
  policy: RolloutPolicy,
  entries: readonly LogEntry[],
): Promise<PlanRolloutResponse> {
  const { plan, preview, gates, end, hash } = await rollouts.preview(cluster, policy, entries);
  const record = {
    id: '',
    cluster,
    policy,
    plan,
    status: plan.status,
    startedAt: new Date(0),
    endedAt: null,
    orders: [],
  };
  return {
    hash,
    rollout: { ...rolloutToWire(record), startedAt: undefined },
    ...previewToWire(preview, entries),
    gates: gates.map(gateToWire),
    bakeSeconds: (plan.waves.length * policy.bakeMs) / 1_000,
    end: {
      notBefore: new Date(end.notBeforeMs),
      likely: end.likelyMs === null ? undefined : new Date(end.likelyMs),
      unknown: [...end.unknown],
    },
  };
}
