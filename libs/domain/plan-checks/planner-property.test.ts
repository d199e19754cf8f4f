// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, it } from '@jest/globals';
import {
  parseKernelBuildId,
  parseNodeName,
  parseSeq,
  type NodeName,
  type NodeStatus,
  type Seq,
} from '@lockstep/domain/livepatch-model';
import { planRollout, type NodeFacts, type RolloutPlan } from '@lockstep/domain/rollout-planner';
import fc from 'fast-check';
import { checkPlan } from './check-plan';

const kernelBuild = parseKernelBuildId('ab'.repeat(20));
const head = parseSeq(4);

/** A node as an agent would have it: it takes moves, and things happen to it. */
interface SimulatedNode {
  readonly node: NodeName;
  connected: boolean;
  status: NodeStatus;
  position: Seq;
  target: Seq;
}

const events = [
  'arrive',
  'fail',
  'crash',
  'leave',
  'return',
  'diverge',
  'heal',
  'fork',
  'lose',
  'join',
  'nothing',
] as const;

interface Event {
  readonly kind: (typeof events)[number];
  readonly index: number;
  /** Moves of this round that get lost on the wire. */
  readonly losesMoves: boolean;
}

const factsOf = ({ node, connected, status, position, target }: SimulatedNode): NodeFacts => ({
  node,
  kernelBuild,
  connected,
  report: { status, position, target, problem: status === 'failed' ? 'x' : null },
});

const newNode = (index: number): SimulatedNode => ({
  node: parseNodeName(`n${index}`),
  connected: true,
  status: 'in-step',
  position: parseSeq(1),
  target: parseSeq(1),
});

function happen(fleet: SimulatedNode[], { kind, index }: Event): void {
  const node = fleet[index % fleet.length]!;
  switch (kind) {
    case 'arrive':
      if (node.connected && ['moving', 'failed', 'quarantined'].includes(node.status)) {
        Object.assign(node, { status: 'in-step', position: node.target });
      }
      return;
    case 'fail':
      if (node.status === 'moving') node.status = 'failed';
      return;
    case 'crash':
      if (node.status === 'moving') node.status = 'quarantined';
      return;
    case 'leave':
      node.connected = false;
      return;
    case 'return':
      node.connected = true;
      return;
    case 'diverge':
      node.status = 'diverged';
      return;
    case 'heal':
      if (['diverged', 'forked', 'ahead'].includes(node.status)) {
        node.status = node.position === node.target ? 'in-step' : 'moving';
      }
      return;
    case 'fork':
      node.status = 'forked';
      return;
    case 'lose':
      node.status = 'ahead';
      return;
    case 'join':
      fleet.push(newNode(fleet.length));
      return;
    case 'nothing':
      return;
  }
}

/** What agents do with the moves they get. */
function receive(fleet: readonly SimulatedNode[], plan: RolloutPlan): void {
  for (const { node: name, toSeq } of plan.moves) {
    const node = fleet.find((other) => other.node === name);
    if (node?.connected === true && toSeq > node.target) Object.assign(node, { status: 'moving', target: toSeq });
  }
}

const eventArbitrary: fc.Arbitrary<Event> = fc.record({
  kind: fc.constantFrom(...events),
  index: fc.nat({ max: 20 }),
  losesMoves: fc.boolean(),
});

describe('planner and checks agree', () => {
  it('whatever happens to the nodes: no fault, positions grow, and a healed fleet ends in success or a halt', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.record({ canaries: fc.integer({ min: 1, max: 3 }), waveSize: fc.nat({ max: 3 }) }),
        fc.integer({ min: 1, max: head }),
        fc.array(eventArbitrary, { maxLength: 40 }),
        (size, { canaries, waveSize }, to, happenings) => {
          const policy = { kernelBuild, toSeq: parseSeq(to), canaries, waveSize };
          const fleet = Array.from({ length: size }, (_, index) => newNode(index));
          let parent: RolloutPlan | null = null;
          const step = (losesMoves: boolean): RolloutPlan => {
            const inventory = fleet.map(factsOf);
            const plan: RolloutPlan = planRollout({ policy, parent, nowMs: 0, inventory });
            if (plan !== parent) expect(checkPlan(plan, { policy, parent, nowMs: 0, inventory, head })).toEqual([]);
            parent = plan;
            if (!losesMoves) receive(fleet, plan);
            return plan;
          };
          for (const event of happenings) {
            step(event.losesMoves);
            const before = fleet.map(({ position }) => position);
            happen(fleet, event);
            expect(before.every((position, index) => position <= fleet[index]!.position)).toBe(true);
          }
          // Everything heals and the network works: each round, every node finishes what it was told.
          for (let round = 0; round < 2 * fleet.length + 4; round += 1) {
            step(false);
            for (const node of fleet) {
              Object.assign(node, { connected: true, status: 'in-step', position: node.target });
            }
          }
          const { status } = step(false);
          expect(['succeeded', 'halted']).toContain(status);
          if (status === 'succeeded') expect(fleet.every(({ position }) => position >= to)).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
