// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { Halt, NodePlan, NotYet, OpenWave, RolloutPlan, WavePlan } from '@lockstep/domain/rollout-planner';

/** Of an earlier version: each node that waits names those that it waits for. */
type OldNotYet = NotYet & { readonly canaries?: readonly NodeName[]; readonly nodes?: readonly NodeName[] };

/** `failedBefore` is an earlier version's word for `excused`. */
type StoredNode = Omit<NodePlan, 'sinceMs' | 'notYet' | 'excused'> & {
  readonly excused?: boolean;
  readonly failedBefore?: boolean;
  readonly sinceMs?: number;
  readonly notYet: OldNotYet | null;
};

type Kept = Pick<RolloutPlan, 'generation' | 'parent' | 'toSeq' | 'status' | 'moves'>;

/** An earlier version named all whose failure halted it, in `haltedBy`, and kept nothing of its waves. */
type StoredPlan = Kept &
  Partial<Omit<RolloutPlan, 'nodes'>> & {
    readonly haltedBy?: readonly NodeName[];
    readonly nodes?: readonly StoredNode[];
  };

const firstNamed = 10;

function openWaveOf(nodes: readonly StoredNode[]): OpenWave | null {
  for (const { notYet } of nodes) {
    const waited = notYet?.canaries ?? notYet?.nodes;
    if (waited === undefined) continue;
    const wave = notYet?.reason === 'waiting-for-wave' ? notYet.wave : 0;
    return { wave, bakesUntilMs: null, open: waited.length, nodes: waited.slice(0, firstNamed) };
  }
  return null;
}

function wavesOf(nodes: readonly StoredNode[]): WavePlan[] {
  const count = Math.max(-1, ...nodes.map(({ wave }) => wave ?? -1)) + 1;
  const sizes = Array<number>(count).fill(0);
  for (const { wave } of nodes) if (wave !== null) sizes[wave] = (sizes[wave] ?? 0) + 1;
  return sizes.map((planned) => ({ planned, bakesSinceMs: null, passedAtMs: null }));
}

function haltOf(haltedBy: readonly NodeName[] = [], nodes: readonly StoredNode[] = []): Halt {
  if (haltedBy.length === 0) return { reason: 'nobody-left' };
  const wave = nodes.find(({ node }) => node === haltedBy[0])?.wave ?? 0;
  const planned = nodes.filter((node) => node.wave === wave).length;
  const named = haltedBy.slice(0, firstNamed);
  return { reason: 'failures', wave, failures: haltedBy.length, allowed: 0, planned, nodes: named };
}

function notYetFrom(stored: OldNotYet | null): NotYet | null {
  if (stored?.reason === 'waiting-for-canary' || stored?.reason === 'rollout-halted') return { reason: stored.reason };
  return stored?.reason === 'waiting-for-wave' ? { reason: stored.reason, wave: stored.wave } : stored;
}

/** It is as it was read: of ten thousand nodes to write each anew takes longer than to read them all. */
const isOfToday = (node: StoredNode): node is NodePlan =>
  node.sinceMs !== undefined &&
  node.excused !== undefined &&
  node.failedBefore === undefined &&
  node.notYet?.canaries === undefined &&
  node.notYet?.nodes === undefined;

function nodeFrom(node: StoredNode, plannedAt: Date): NodePlan {
  const { sinceMs = plannedAt.getTime(), notYet, failedBefore, excused, ...rest } = node;
  return { ...rest, excused: excused ?? failedBefore ?? false, notYet: notYetFrom(notYet), sinceMs };
}

/** A plan as it was stored, by this version or an earlier one, which said less: since it was made, as far as is known. */
export function planFromStored(json: unknown, plannedAt: Date): RolloutPlan {
  const { haltedBy, ...stored } = json as StoredPlan;
  const nodes = stored.nodes ?? [];
  return {
    ...stored,
    waves: stored.waves ?? wavesOf(nodes),
    openWave: stored.openWave ? { ...{ bakesUntilMs: null }, ...stored.openWave } : openWaveOf(nodes),
    halt: stored.halt ?? (stored.status === 'halted' ? haltOf(haltedBy, nodes) : null),
    waiting: stored.waiting ?? null,
    caveats: stored.caveats ?? [],
    nodes: nodes.map((node) => (isOfToday(node) ? node : nodeFrom(node, plannedAt))),
  };
}
