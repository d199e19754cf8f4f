// SPDX-License-Identifier: GPL-2.0-only
import { parseLabels, type Labels } from '@lockstep/domain/labels';
import {
  parseNodeName,
  parseSeq,
  type KernelBuildId,
  type KernelTrouble,
  type NodeName,
  type NodeStatus,
  type Seq,
} from '@lockstep/domain/livepatch-model';
import type { ProbeResult } from '@lockstep/domain/probes';
import type { NodeFacts, RolloutPlan } from '@lockstep/domain/rollout-planner';
import type { SeededRandom } from '@lockstep/testing/seeded-random';

/** A node as an agent would have it: it takes moves, and things happen to it. */
export interface SimulatedNode {
  readonly node: NodeName;
  readonly labels: Labels;
  connected: boolean;
  status: NodeStatus;
  position: Seq;
  target: Seq;
  lastSeenMs: number;
  /** What its kernel has complained about last. */
  trouble?: KernelTrouble;
}

const places = ['', 'zone=x', 'zone=y', 'zone=x'].flatMap((zone) =>
  ['', 'tier=a', 'tier=b'].map((tier) => parseLabels([zone, tier].filter((each) => each !== '').join(','))),
);

/** Arrivals are the rule: otherwise hardly any history gets beyond its canaries. */
const events = [
  ...Array<'arrive'>(8).fill('arrive'),
  ...Array<'nothing'>(4).fill('nothing'),
  ...Array<'return'>(3).fill('return'),
  ...Array<'heal'>(2).fill('heal'),
  ...(['fail', 'fail', 'crash', 'leave', 'leave', 'diverge', 'fork', 'lose', 'join', 'part', 'complain'] as const),
] as const;

export type FleetEvent = (typeof events)[number];

const isWorking = ({ status }: SimulatedNode): boolean =>
  status === 'moving' || status === 'failed' || status === 'quarantined';

/** Nodes to which things happen, one at a time. */
export class SimulatedFleet {
  readonly nodes: SimulatedNode[];
  private joined: number;
  private complaints = 0;

  constructor(
    size: number,
    private readonly kernelBuild: KernelBuildId,
    private readonly random: SeededRandom,
    nowMs: number,
    /** Some have failed at, or not survived, what came before this rollout. */
    private readonly isUnwell = false,
  ) {
    this.nodes = Array.from({ length: size }, (_, index) => this.newNode(index, nowMs));
    this.joined = size;
  }

  /** @param probesOf what a node says of its probes */
  facts(probesOf: (node: NodeName) => readonly ProbeResult[] = () => []): NodeFacts[] {
    return this.nodes.map(({ node, labels, connected, status, position, target, lastSeenMs, trouble }) => ({
      ...{ node, labels, kernelBuild: this.kernelBuild, connected, lastSeenMs },
      report: { status, position, target, problem: status === 'failed' ? 'x' : null, trouble, probes: probesOf(node) },
    }));
  }

  /** What agents do with the moves they get; some are lost on the wire. */
  receive({ moves }: RolloutPlan, losesSome: boolean): void {
    for (const { node: name, toSeq } of moves) {
      if (losesSome && this.random.chance(0.5)) continue;
      const node = this.nodes.find((other) => other.node === name);
      if (node?.connected === true && toSeq > node.target) Object.assign(node, { status: 'moving', target: toSeq });
    }
  }

  happen(nowMs: number): void {
    for (const node of this.nodes) if (node.connected) node.lastSeenMs = nowMs;
    const event = this.random.pick(events);
    const node = this.random.pick(this.nodes);
    switch (event) {
      case 'arrive':
        for (const each of this.nodes) if (this.random.chance(0.5)) arrive(each);
        return;
      case 'fail': {
        const moving = this.nodes.filter(({ status }) => status === 'moving');
        if (moving.length > 0) this.random.pick(moving).status = 'failed';
        return;
      }
      case 'crash':
        if (node.status === 'moving' && this.random.chance(0.3)) node.status = 'quarantined';
        return;
      case 'leave':
        node.connected = false;
        return;
      case 'return':
        node.connected = true;
        return;
      case 'diverge':
      case 'fork':
      case 'lose':
        node.status = ({ diverge: 'diverged', fork: 'forked', lose: 'ahead' } as const)[event];
        return;
      case 'heal':
        heal(node);
        return;
      case 'join':
        this.nodes.push(this.newNode(this.joined, nowMs));
        this.joined += 1;
        return;
      case 'part':
        if (this.nodes.length > 1 && this.random.chance(0.3)) this.nodes.splice(this.nodes.indexOf(node), 1);
        return;
      case 'complain':
        this.complaints += 1;
        node.trouble = { id: `b/${this.complaints}`, kind: this.random.pick(['warning', 'oops']), message: 'x' };
        return;
      case 'nothing':
        return;
    }
  }

  /** Everything heals and the network works: every node finishes what it was told. */
  healAll(nowMs: number): void {
    for (const node of this.nodes) {
      Object.assign(node, { connected: true, status: 'in-step', position: node.target, lastSeenMs: nowMs });
    }
  }

  private newNode(index: number, nowMs: number): SimulatedNode {
    const usual = this.random.chance(0.05) ? 'diverged' : 'in-step';
    const status = this.isUnwell ? this.random.pick<NodeStatus>(['in-step', 'failed', 'quarantined', usual]) : usual;
    const position = parseSeq(this.isUnwell ? this.random.pick([1, 2]) : 1);
    const connected = !this.random.chance(0.1);
    const node = parseNodeName(`n${index}`);
    const labels = places[(index * 5) % places.length]!;
    return { node, labels, connected, status, position, target: position, lastSeenMs: nowMs };
  }
}

function arrive(node: SimulatedNode): void {
  if (node.connected && isWorking(node)) Object.assign(node, { status: 'in-step', position: node.target });
}

function heal(node: SimulatedNode): void {
  if (isWorking(node) || node.status === 'in-step') return;
  node.status = node.position === node.target ? 'in-step' : 'moving';
}
