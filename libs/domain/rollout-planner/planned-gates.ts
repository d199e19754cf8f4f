// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName } from '@lockstep/domain/livepatch-model';
import { Gates, type Gate, type Schedule } from '@lockstep/domain/schedule';
import type { NodeFacts } from './rollout-plan';

/** Nodes for which the same windows and freezes hold. */
export interface PlannedGate {
  readonly gate: Gate;
  readonly nodes: readonly NodeName[];
}

/** What the windows allow as things are; those that open first come first. */
export function plannedGates(nodes: readonly NodeFacts[], schedule: Schedule, nowMs: number): PlannedGate[] {
  const gates = new Gates(schedule, nowMs);
  const found = new Map<Gate, NodeName[]>();
  for (const { node, labels } of nodes) {
    const gate = gates.of(labels);
    const known = found.get(gate);
    if (known === undefined) found.set(gate, [node]);
    else known.push(node);
  }
  const opens = (gate: Gate): number => (gate.kind === 'open' ? 0 : gate.opensAtMs);
  return [...found].map(([gate, named]) => ({ gate, nodes: named })).sort((a, b) => opens(a.gate) - opens(b.gate));
}
