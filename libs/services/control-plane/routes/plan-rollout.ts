// SPDX-License-Identifier: GPL-2.0-only
import type { PlannedGate as WireGate, PlanRolloutRequest, PlanRolloutResponse } from '@lockstep/contracts/generated';
import { functionToWire } from '@lockstep/contracts/wire';
import { explainClosed } from '@lockstep/domain/schedule';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { isLoad } from '@lockstep/domain/load-order';
import type { PlannedGate as Planned } from '@lockstep/domain/rollout-planner';
import type { Uses } from '../services';
import { rolloutToWire } from '../views/rollout-view';
import type { LogChooser } from './choose-log';
import { askedRollout } from './asked-rollout';

/** Some of many nodes. */
const mostNamed = 5;

const gateToWire = ({ gate, nodes }: Planned): WireGate => ({
  ...{ nodes: nodes.length, first: nodes.slice(0, mostNamed) },
  closed: gate.kind === 'open' ? '' : explainClosed(gate),
  opensAt: gate.kind === 'open' ? undefined : new Date(gate.opensAtMs),
  closesAt: gate.kind === 'open' && gate.untilMs !== null ? new Date(gate.untilMs) : undefined,
});

/** Ships nothing, and says everything that a rollout would do if it began now. */
export async function planRollout(
  services: Uses<LogChooser | 'rollouts' | 'logs'>,
  { rollout: asked }: PlanRolloutRequest,
): Promise<PlanRolloutResponse> {
  if (asked === undefined)
    throw new LockstepError('invalid-input', 'no-rollout', 'Say which rollout is to be planned.');
  const { cluster, policy } = await askedRollout(services, asked);
  const { plan, preview, gates, hash } = await services.rollouts.preview(cluster, policy);
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
  const entries = await services.logs.entries({ cluster, kernelBuild: policy.kernelBuild });
  const nameOf = new Map(entries.filter(isLoad).map(({ seq, body }) => [seq, body.artifact.patchName]));
  return {
    hash,
    rollout: { ...rolloutToWire(record), startedAt: undefined },
    nodes: preview.nodes.map(({ node, unloads, loads, leftOut }) => ({
      ...{ node, unloads: [...unloads], loads: [...loads], leftOut: leftOut ?? '' },
    })),
    torn: preview.torn.map(({ id, running, shadowed }) => ({
      seq: id,
      patchName: nameOf.get(id) ?? '',
      running: running.map(functionToWire),
      shadowed: shadowed.map(({ function: fn }) => functionToWire(fn)),
    })),
    gates: gates.map(gateToWire),
    bakeSeconds: (plan.waves.length * policy.bakeMs) / 1_000,
  };
}
