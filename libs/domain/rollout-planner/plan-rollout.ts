// SPDX-License-Identifier: GPL-2.0-only
import { seqZero, type NodeName } from '@lockstep/domain/livepatch-model';
import { assignWaves, byName } from './assign-waves';
import type {
  Move,
  NodeFactsReport,
  NodePlan,
  NotYet,
  PlanRequest,
  PlanStatus,
  RolloutPlan,
  RolloutPolicy,
} from './rollout-plan';
import { nodeStanding, type NodeStanding, type Standing } from './standing';

interface Placed extends NodeStanding {
  readonly wave: number;
}

/** A wave that later ones wait for, with the nodes that keep it open. */
interface Blocking {
  readonly wave: number;
  readonly nodes: readonly NodeName[];
}

const namesOf = (nodes: readonly Placed[]): NodeName[] => nodes.map(({ facts }) => facts.node);

const having = (nodes: readonly Placed[], ...standings: readonly Standing[]): Placed[] =>
  nodes.filter(({ standing }) => standings.includes(standing));

/**
 * The nodes that keep a wave open. Canaries must all be there. Of a later wave some may be lost as long as one is
 * there: a patch that takes down every machine it reaches gets no further than one wave.
 */
function openNodes(wave: number, nodes: readonly Placed[]): readonly NodeName[] {
  const lostMatters = wave === 0 || having(nodes, 'there').length === 0;
  return namesOf(having(nodes, 'ready', 'on-its-way', 'failed', ...(lostMatters ? (['lost'] as const) : [])));
}

/** The first wave that has not passed. */
function firstBlocking(nodes: readonly Placed[]): Blocking | undefined {
  const waves = [...new Set(nodes.map(({ wave }) => wave))].sort((a, b) => a - b);
  const open = waves.map((wave) => ({
    wave,
    nodes: openNodes(
      wave,
      nodes.filter((node) => node.wave === wave),
    ),
  }));
  return open.find(({ nodes: waiting }) => waiting.length > 0);
}

/** Opens the waves up to the first that has not passed; after a success every gate is open. */
function release(nodes: readonly Placed[], status: PlanStatus, blocking: Blocking | undefined): Placed[] {
  if (status === 'halted') return [...nodes];
  const upTo = status === 'succeeded' ? Infinity : (blocking?.wave ?? Infinity);
  return nodes.map((node) =>
    node.standing === 'ready' && node.wave <= upTo ? { ...node, standing: 'on-its-way', released: true } : node,
  );
}

/** Nobody is only on its way who says why it does not get on; but what it said before it was let go may be cured by that. */
function whyOnItsWay(report: NodeFactsReport | null, wasReleased: boolean): NotYet {
  if (report === null) return { reason: 'silent' };
  const { position, problem } = report;
  return problem === null || !wasReleased ? { reason: 'moving', position } : { reason: 'stuck', position, problem };
}

/** `haltedBy` only of a rollout that halted. */
function notYetOf(
  node: Placed,
  was: NodePlan | undefined,
  haltedBy: readonly NodeName[] | undefined,
  blocking: Blocking | undefined,
): NotYet | null {
  const { standing, facts } = node;
  const problem = facts.report?.problem ?? 'the agent gave no reason';
  switch (standing) {
    case 'there':
      return null;
    case 'on-its-way':
      return whyOnItsWay(facts.report, was?.released === true);
    case 'ready':
      if (haltedBy !== undefined) return { reason: 'rollout-halted', failed: haltedBy };
      return blocking === undefined || blocking.wave === 0
        ? { reason: 'waiting-for-canary', canaries: blocking?.nodes ?? [] }
        : { reason: 'waiting-for-wave', ...blocking };
    case 'failed':
    case 'failed-before':
      return { reason: facts.report?.status === 'quarantined' ? 'quarantined' : 'failed', problem };
    case 'diverged':
    case 'forked':
    case 'ahead':
    case 'implausible':
      return { reason: standing, problem };
    case 'obstructed':
      return { reason: standing, problem: node.obstacles.fatal.join(' ') };
    case 'lost':
    case 'disconnected':
    case 'silent':
      return { reason: standing };
  }
}

function nextStatus(parent: RolloutPlan | null, nodes: readonly Placed[]): PlanStatus {
  if (parent !== null && parent.status !== 'running') return parent.status;
  // All have left: nobody is waited for, and nobody has tried it, so newcomers are not brought there at once.
  if (nodes.length === 0) return parent !== null && parent.nodes.length > 0 ? 'halted' : 'running';
  if (having(nodes, 'failed').length > 0) return 'halted';
  return nodes.every(({ standing }) => standing === 'there') ? 'succeeded' : 'running';
}

function movesOf(nodes: readonly Placed[], status: PlanStatus, { toSeq }: RolloutPolicy): Move[] {
  if (status === 'halted') return [];
  return having(nodes, 'on-its-way')
    .filter(({ facts }) => facts.connected && (facts.report?.target ?? seqZero) < toSeq)
    .map(({ facts }) => ({ node: facts.node, toSeq }));
}

/** Objects with their keys in order: a database may give a stored plan back in another one. */
const inKeyOrder = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

const content = ({ status, haltedBy, nodes, moves }: RolloutPlan): string =>
  JSON.stringify([status, haltedBy, nodes, moves], inKeyOrder);

/**
 * The next plan of a rollout from what is known now: canaries, then wave after wave, as nodes arrive. Pure, and safe
 * to run again at any moment: where nothing has changed it returns `parent` itself. Store a new plan, then send its
 * `moves`; send the moves of an unchanged one again too, they are those that no agent has acknowledged.
 */
export function planRollout({ policy, parent, inventory, caveats = [], loads }: PlanRequest): RolloutPlan {
  const before = new Map(parent?.nodes.map((node) => [node.node, node]));
  const standings = inventory
    .filter(({ kernelBuild }) => kernelBuild === policy.kernelBuild)
    .map((facts) => nodeStanding(facts, policy.toSeq, before.get(facts.node), loads));
  const waves = assignWaves(standings, policy, parent);
  const placed = standings
    .map((node): Placed => ({ ...node, wave: waves.get(node.facts.node) ?? 0 }))
    .sort((a, b) => a.wave - b.wave || byName(a, b));

  const status = nextStatus(parent, placed);
  const blocking = firstBlocking(placed);
  const released = release(placed, status, blocking);
  const haltedBy = parent?.status === 'halted' ? parent.haltedBy : namesOf(having(placed, 'failed'));
  const generation = (parent?.generation ?? 0) + 1;
  const nodes = released.map((node): NodePlan => {
    const was = before.get(node.facts.node);
    const { possible } = node.obstacles;
    const notYet = notYetOf(node, was, status === 'halted' ? haltedBy : undefined, blocking);
    return {
      node: node.facts.node,
      wave: node.wave,
      position: node.facts.report?.position ?? seqZero,
      released: node.released,
      failedBefore: node.failedBefore,
      ...(possible.length === 0 ? {} : { obstacles: possible }),
      notYet,
      sinceGeneration: was?.notYet?.reason === notYet?.reason ? (was?.sinceGeneration ?? generation) : generation,
    };
  });
  const plan: RolloutPlan = {
    generation,
    parent: parent?.generation ?? null,
    toSeq: policy.toSeq,
    status,
    haltedBy: status === 'halted' ? haltedBy : [],
    nodes,
    moves: movesOf(released, status, policy),
    caveats: parent?.caveats ?? caveats,
  };
  return parent !== null && content(parent) === content(plan) ? parent : plan;
}
