// SPDX-License-Identifier: GPL-2.0-only
import { seqZero, type NodeName } from '@lockstep/domain/livepatch-model';
import { assignWaves, byName } from './assign-waves';
import { mostNamed } from './explain-not-yet';
import type {
  Move,
  NodeFactsReport,
  NodePlan,
  NotYet,
  OpenWave,
  PlanRequest,
  PlanStatus,
  RolloutPlan,
  RolloutPolicy,
} from './rollout-plan';
import { inNewestWords } from './same-decision';
import { nodeStanding, type NodeStanding, type Standing } from './standing';

interface Placed extends NodeStanding {
  readonly wave: number;
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

/** The first wave that has not passed. @param nodes by wave. */
function firstOpenWave(nodes: readonly Placed[]): OpenWave | null {
  for (let from = 0; from < nodes.length;) {
    const wave = nodes[from]?.wave ?? 0;
    let to = from;
    while (nodes[to]?.wave === wave) to += 1;
    const open = openNodes(wave, nodes.slice(from, to));
    if (open.length > 0) return { wave, open: open.length, nodes: open.slice(0, mostNamed) };
    from = to;
  }
  return null;
}

/** Opens the waves up to the first that has not passed; after a success every gate is open. */
function release(nodes: readonly Placed[], status: PlanStatus, openWave: OpenWave | null): Placed[] {
  if (status === 'halted') return [...nodes];
  const upTo = status === 'succeeded' ? Infinity : (openWave?.wave ?? Infinity);
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

function notYetOf(
  node: Placed,
  was: NodePlan | undefined,
  status: PlanStatus,
  openWave: OpenWave | null,
): NotYet | null {
  const { standing, facts } = node;
  const problem = facts.report?.problem ?? 'the agent gave no reason';
  switch (standing) {
    case 'there':
      return null;
    case 'on-its-way':
      return whyOnItsWay(facts.report, was?.released === true);
    case 'ready':
      if (status === 'halted') return { reason: 'rollout-halted' };
      return openWave === null || openWave.wave === 0
        ? { reason: 'waiting-for-canary' }
        : { reason: 'waiting-for-wave', wave: openWave.wave };
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

/** Who is away has been since it was heard last, also if that was not planned with at the time. */
function sinceWhen({ facts }: Placed, was: NodePlan | undefined, notYet: NotYet | null, nowMs: number): number {
  if (was !== undefined && was.notYet?.reason === notYet?.reason) return was.sinceMs;
  const isAway = notYet?.reason === 'lost' || notYet?.reason === 'disconnected';
  return isAway ? (facts.lastSeenMs ?? nowMs) : nowMs;
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

/**
 * The next plan of a rollout from what is known now: canaries, then wave after wave, as nodes arrive. Pure, and safe
 * to run again at any moment. Where nothing has changed it returns `parent` itself; where no decision has, the parent's
 * generation in newer words, which need not be stored. Store a new generation, then send its `moves`; send those of the
 * same one again too, they are the ones that no agent has acknowledged.
 */
export function planRollout({ policy, parent, inventory, nowMs, caveats = [], loads }: PlanRequest): RolloutPlan {
  const before = new Map(parent?.nodes.map((node) => [node.node, node]));
  const standings = inventory
    .filter(({ kernelBuild }) => kernelBuild === policy.kernelBuild)
    .map((facts) => nodeStanding(facts, policy.toSeq, before.get(facts.node), loads));
  const waves = assignWaves(standings, policy, parent);
  const placed = standings
    .map((node): Placed => ({ ...node, wave: waves.get(node.facts.node) ?? 0 }))
    .sort((a, b) => a.wave - b.wave || byName(a, b));

  const status = nextStatus(parent, placed);
  const openWave = firstOpenWave(placed);
  const released = release(placed, status, openWave);
  const haltedBy = parent?.status === 'halted' ? parent.haltedBy : namesOf(having(placed, 'failed'));
  const nodes = released.map((node): NodePlan => {
    const was = before.get(node.facts.node);
    const { possible } = node.obstacles;
    const notYet = notYetOf(node, was, status, openWave);
    return {
      node: node.facts.node,
      wave: node.wave,
      position: node.facts.report?.position ?? seqZero,
      released: node.released,
      failedBefore: node.failedBefore,
      ...(possible.length === 0 ? {} : { obstacles: possible }),
      notYet,
      sinceMs: sinceWhen(node, was, notYet, nowMs),
    };
  });
  return inNewestWords(parent, {
    generation: (parent?.generation ?? 0) + 1,
    parent: parent?.generation ?? null,
    toSeq: policy.toSeq,
    status,
    openWave,
    haltedBy: status === 'halted' ? haltedBy : [],
    nodes,
    moves: movesOf(released, status, policy),
    caveats: parent?.caveats ?? caveats,
  });
}
