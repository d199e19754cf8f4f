// SPDX-License-Identifier: GPL-2.0-only
import { parseKernelBuildId, parseSeq } from '@lockstep/domain/livepatch-model';
import { parseGate } from '@lockstep/domain/probes';
import { checkPlan } from '@lockstep/domain/plan-checks';
import {
  defaultRules,
  emergencyRules,
  explainHalt,
  explainNotYet,
  explainWaiting,
  planRollout,
  refuseOrder,
  refuseRollout,
  type NodeFacts,
  type RolloutOrder,
  type RolloutPlan,
  type RetiredLoad,
  type RolloutPolicy,
  type Share,
} from '@lockstep/domain/rollout-planner';
import type { Schedule } from '@lockstep/domain/schedule';
import { seededRandom, type SeededRandom } from '@lockstep/testing/seeded-random';
import { nights, randomSchedule } from './random-schedule';
import { RolloutLaws } from './rollout-laws';
import { SimulatedFleet } from './simulated-fleet';
import { SimulatedGates } from './simulated-gates';
import { SimulatedProbes } from './simulated-probes';

/** How one history went. */
export interface RolloutHistory {
  readonly seed: number;
  readonly plans: number;
  readonly status: RolloutPlan['status'];
  /** Rules that were broken, in words; none if all is well. */
  readonly violations: readonly string[];
}

const kernelBuild = parseKernelBuildId('ab'.repeat(20));
const head = parseSeq(3);
const minuteMs = 60_000;

const randomShare = (random: SeededRandom, least: number, most: number): Share =>
  random.chance(0.5)
    ? { nodes: least + random.below(most - least + 1) }
    : { percent: Math.max(least, random.pick([0, 10, 20, 25, 33, 34, 50, 66, 75, 99, 100])) };

/** One that a rollout of these nodes can be begun by. */
function randomPolicy(random: SeededRandom, members: readonly NodeFacts[], undoesOther: boolean): RolloutPolicy {
  const size = members.length;
  const undoes = undoesOther ? { rollout: 'before', after: parseSeq(1) } : undefined;
  for (;;) {
    const policy: RolloutPolicy = {
      kernelBuild,
      toSeq: head,
      undoes,
      canaries: 1 + random.below(Math.min(3, size)),
      waves: Array.from({ length: 1 + random.below(3) }, () => randomShare(random, 1, 6)),
      allowedFailures: randomShare(random, 0, 3),
      atOnce: random.chance(0.4) ? null : randomShare(random, 1, 4),
      haltsOnCrash: true,
      approvals: randomApprovals(random),
      probing: randomProbing(random),
      gates: random.chance(0.7) ? [] : [parseGate('x <= 1')],
      spread: random.chance(0.6) ? undefined : { label: 'zone', atMost: randomShare(random, 1, 3) },
      canarySelector: random.chance(0.75) ? undefined : random.pick(['tier=a', 'tier=b']),
      bakeMs: random.pick([0, 0, 1, 10]) * minuteMs,
      deadlineMs: random.pick([1, 15, 60]) * minuteMs,
    };
    if (random.chance(0.12)) Object.assign(policy, randomEmergency(random, policy, size));
    const refusal = refuseRollout(policy, { head, furthest: parseSeq(0), inventory: members });
    if (refusal === undefined) return policy;
  }
}

function randomProbing(random: SeededRandom): RolloutPolicy['probing'] {
  const { probing } = defaultRules;
  if (random.chance(0.6)) return probing;
  const names = random.chance(0.8) ? ['one'] : ['one', 'two'];
  const probes = names.map((name) => ({ kind: 'command', name }) as const);
  return { ...probing, probes, allowedErrors: random.chance(0.5) ? { nodes: 0 } : randomShare(random, 0, 3) };
}

/** Fast, and whatever is frozen; all else holds. */
function randomEmergency(random: SeededRandom, asked: RolloutPolicy, size: number): Partial<RolloutPolicy> {
  const { canaries, ...rules } = emergencyRules(size, asked);
  return {
    ...rules,
    canaries: random.chance(0.5) ? canaries : asked.canaries,
    breakGlass: { by: random.pick(people), reason: 'x' },
  };
}

const people = ['person:a', 'person:b', 'person:c'];

function randomApprovals(random: SeededRandom): RolloutPolicy['approvals'] {
  if (random.chance(0.6)) return null;
  const among = random.chance(0.5) ? people : [];
  return {
    needed: 1 + random.below(2),
    among,
    author: random.pick(people),
    validMs: random.pick([1, 24 * 60]) * 60 * minuteMs,
  };
}

/** Mostly to what is planned, and by anybody. */
function randomApproval(random: SeededRandom, { approvals }: RolloutPlan): RolloutOrder {
  const hash = random.chance(0.9) ? (approvals?.hash ?? '') : 'another plan';
  return { kind: 'approve', reason: '', by: random.pick([...people, 'person:d']), hash };
}

const randomOrder = (random: SeededRandom): RolloutOrder =>
  random.pick<RolloutOrder>([
    { kind: 'pause', reason: '' },
    { kind: 'resume', reason: 'seen to' },
    { kind: 'resume', reason: 'seen to' },
    { kind: 'resume', reason: 'seen to' },
    { kind: 'retry', reason: '', nodes: [] },
    { kind: 'retry', reason: '', nodes: [] },
    ...(random.chance(0.2) ? [{ kind: 'abort', reason: '' } as const] : []),
  ]);

/** Every reason of a plan has words. */
function unexplained(plan: RolloutPlan): string[] {
  const words = plan.nodes.flatMap(({ notYet }) => (notYet === null ? [] : [explainNotYet(notYet, plan)]));
  if (plan.halt !== null) words.push(explainHalt(plan.halt));
  if (plan.waiting !== null) words.push(explainWaiting(plan.waiting, plan));
  return words.some((text) => text.trim() === '' || text.includes('undefined')) ? ['a reason without words'] : [];
}

class History {
  readonly violations: string[] = [];
  readonly fleet: SimulatedFleet;
  private readonly probes: SimulatedProbes;
  private readonly gates: SimulatedGates;
  private readonly policy: RolloutPolicy;
  private readonly schedule: Schedule;
  private readonly laws: RolloutLaws;
  private parent: RolloutPlan | null = null;
  private nowMs: number;
  private retired: readonly RetiredLoad[] = [];
  plans = 0;

  constructor(private readonly random: SeededRandom) {
    const size = 1 + random.below(random.chance(0.1) ? 24 : 11);
    this.nowMs = random.pick(nights);
    this.schedule = randomSchedule(random, this.nowMs);
    const undoesOther = random.chance(0.15);
    this.fleet = new SimulatedFleet(size, kernelBuild, random, this.nowMs, undoesOther);
    this.policy = randomPolicy(random, this.fleet.facts(), undoesOther);
    this.probes = new SimulatedProbes(this.policy, random);
    this.gates = new SimulatedGates(this.policy, random);
    this.laws = new RolloutLaws(this.policy, this.schedule);
  }

  step(order?: RolloutOrder): RolloutPlan {
    const { policy, schedule, parent, nowMs } = this;
    const facts = this.fleet.facts((node) => this.probes.of(node));
    const { retired } = this;
    const request = {
      policy,
      schedule,
      parent,
      nowMs,
      inventory: facts,
      order,
      retired,
      measures: this.gates.measures,
      gatesAskedSinceMs: this.gates.askedSinceMs,
    };
    const plan = planRollout(request);
    this.plans += 1;
    this.violations.push(...this.laws.check({ ...request, plan, facts }));
    if (plan !== parent) {
      const faults = checkPlan(plan, { ...request, head });
      this.violations.push(...faults.map(({ rule, node, message }) => `${rule}: ${node ?? 'plan'} ${message}`));
    }
    this.parent = plan;
    this.probes.take(plan);
    return plan;
  }

  happen(): void {
    const { random } = this;
    if (random.chance(0.01))
      this.retired = [{ seq: head, patchName: 'x' as RetiredLoad['patchName'], by: parseSeq(head + 1) }];
    const wanted = this.parent === null ? undefined : this.wantedOrder(this.parent);
    const order =
      wanted !== undefined &&
      this.parent !== null &&
      // Whoever lets a word through that counts for nothing must not make it count.
      (wanted.kind === 'approve' || refuseOrder(wanted, this.parent, this.nowMs) === undefined)
        ? wanted
        : undefined;
    const plan = this.step(order);
    this.fleet.receive(plan, random.chance(0.2));
    this.nowMs += random.pick([1_000, 1_000, 5_000, minuteMs, 20 * minuteMs, 90 * minuteMs]);
    // A clock that steps: seldom, and both ways.
    if (random.chance(0.02)) this.nowMs += random.pick([-120, -10, 10, 120]) * minuteMs;
    this.fleet.happen(this.nowMs);
    this.probes.measure(this.fleet.nodes);
    this.gates.measure(plan, this.nowMs);
  }

  private wantedOrder(parent: RolloutPlan): RolloutOrder | undefined {
    const { random } = this;
    if (parent.waiting?.reason === 'approval' && random.chance(0.3)) return randomApproval(random, parent);
    return random.chance(0.12) ? randomOrder(random) : undefined;
  }

  /** Windows are days apart. */
  private awaitWindow({ nodes, waiting }: RolloutPlan): void {
    const opens = nodes.flatMap(({ notYet }) =>
      notYet?.reason === 'waiting-for-window' ? [notYet.closed.opensAtMs] : [],
    );
    if (waiting?.reason === 'window') opens.push(waiting.untilMs);
    if (opens.length > 0) this.nowMs = Math.max(this.nowMs, Math.min(...opens));
  }

  /** Time passes; nobody acts, or all heal: in the end it has ended, or says that an operator must act. */
  end(): RolloutPlan['status'] {
    const heals = this.random.chance(0.5);
    let plan = this.step();
    let before: RolloutPlan | undefined;
    for (let round = 0; round < 4 * this.fleet.nodes.length + 16 && (plan !== before || round < 3); round += 1) {
      this.fleet.receive(plan, false);
      this.nowMs += Math.max(this.policy.deadlineMs, this.policy.bakeMs) + 1;
      this.awaitWindow(plan);
      if (heals) this.healAll();
      this.gates.measure(plan, this.nowMs, heals);
      before = plan;
      plan = this.step();
    }
    const { status } = plan;
    if (status === 'running' && plan.waiting?.reason !== 'approval')
      this.violations.push(`has not ended: ${JSON.stringify(plan.waiting)}`);
    // Nobody follows to what is being taken back.
    if (status === 'succeeded' && heals && this.retired.length === 0) this.checkFollowers();
    this.violations.push(...unexplained(plan));
    return status;
  }

  private healAll(): void {
    this.fleet.healAll(this.nowMs);
    this.probes.measure(this.fleet.nodes, true);
  }

  /** All heal: each follows, what nobody has tried wave by wave. */
  private checkFollowers(): void {
    let plan = this.step();
    // Each may have a window of its own.
    for (let round = 0; round <= 4 * plan.waves.length + plan.nodes.length; round += 1) {
      this.fleet.receive(plan, false);
      this.nowMs += this.policy.bakeMs + 1;
      this.awaitWindow(plan);
      this.healAll();
      this.gates.measure(plan, this.nowMs, true);
      plan = this.step();
    }
    // Who is unwell is sent nowhere before it is tried again, and keeps those who come after it.
    const unwell = new Set(plan.nodes.flatMap(({ node, notYet }) => (notYet?.reason === 'unwell' ? [node] : [])));
    const isKept = ({ wave, notYet }: RolloutPlan['nodes'][number]): boolean =>
      notYet?.reason === 'waiting-for-domain' || (wave !== null && plan.waves[wave]?.passedAtMs === null);
    const kept = plan.nodes.filter((node) => unwell.size > 0 && isKept(node));
    const excused = new Set([...unwell, ...kept.map(({ node }) => node)]);
    const left = this.fleet.nodes.filter((each) => each.position < this.policy.toSeq && !excused.has(each.node));
    if (left.length > 0) this.violations.push(`${left.map(({ node }) => node).join(', ')} did not follow the success`);
  }
}

/** One random rollout over a random fleet, to its end. The same seed is the same history. */
export function simulateRollout(seed: number): RolloutHistory {
  const random = seededRandom(seed);
  const history = new History(random);
  const length = 5 + random.below(30);
  for (let event = 0; event < length && history.violations.length === 0; event += 1) history.happen();
  const status = history.end();
  return { seed, plans: history.plans, status, violations: history.violations };
}
