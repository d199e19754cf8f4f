// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { Schedule } from '@lockstep/domain/schedule';
import type { NodeFacts, RolloutPlan, RolloutPolicy, Share } from '@lockstep/domain/rollout-planner';
import { GateLaw } from './gate-law';
import type { PlanStep } from './plan-step';
import { ProbeLaw } from './probe-law';
import { ScheduleLaw } from './schedule-law';
import { SpreadLaw } from './spread-law';

/** In thousandths of a node, so that no rounding of the planner's own is repeated here. */
const thousandths = (share: Share, of: number): number =>
  'nodes' in share ? share.nodes * 1_000 : share.percent * 10 * of;

/** What is known of a node beside its facts: what this rollout has done with it so far. */
interface Past {
  released: boolean;
  /** Its failure counts for nothing: it was there before, or an operator went on despite it. */
  excused: boolean;
  workingSinceMs: number | undefined;
  retried: boolean;
  /** Since when somebody has its probes waited for once more, though they fail. */
  probesAgainSinceMs: number | undefined;
  /** What its kernel had complained about when it was let go. */
  complaint: string | undefined;
  /** It was unwell when what did that began to be rolled back, and has not been well since. */
  unwellBefore: boolean;
  thereSinceMs: number | undefined;
}

/** `ill`: kept from its load by its probes; `unknown`: they could not be measured; `unready`: idle, and not measured yet. */
type Condition = 'there' | 'working' | 'idle' | 'unready' | 'ill' | 'unknown' | 'bad' | 'out';

/**
 * The rules of a rollout once more, told from the facts and in other words than the planner's: it only shares with that
 * what a node is. A plan that breaks one is a violation.
 */
export class RolloutLaws {
  private readonly past = new Map<NodeName, Past>();
  private readonly waveOf = new Map<NodeName, number>();
  /** The same by wave, as long as nobody changes it. */
  private readonly known = new Map<number, NodeName[]>();
  private readonly planned: number[] = [];
  private readonly passed = new Set<number>();
  private before: RolloutPlan | undefined;
  private canaryArrived = false;
  private hasBegun = false;
  /** The last word of each person, the plan that it was given to, and when. */
  private readonly words = new Map<string, { readonly plan: string; readonly atMs: number }>();

  private readonly schedule: ScheduleLaw;
  private readonly probes: ProbeLaw;
  private readonly gates: GateLaw;
  /** The last entry that nobody wants any more; 0: all are wanted. */
  private retiredUpTo = 0;
  /** Of an emergency, until when it may skip windows. */
  private urgentUntilMs = -Infinity;
  private readonly spread: SpreadLaw;

  constructor(
    private readonly policy: RolloutPolicy,
    schedule: Schedule,
  ) {
    this.schedule = new ScheduleLaw(schedule);
    this.probes = new ProbeLaw(policy);
    this.gates = new GateLaw(policy);
    this.spread = new SpreadLaw(policy);
  }

  /** @returns what is wrong, in words. */
  check(step: PlanStep): string[] {
    const { plan } = step;
    this.keepTime(step);
    const wrong = this.before === undefined ? this.planWaves(step) : [];
    const conditions = this.look(step);
    wrong.push(
      ...this.checkMembership(plan, conditions),
      ...this.spread.checkCanaries(plan, step.facts),
      ...this.checkApproved(step),
      ...this.checkWindows(step),
      ...this.checkStarts(step, conditions),
      ...this.checkStatus(step, conditions),
    );
    wrong.push(...this.checkPasses(step, conditions));
    wrong.push(...this.gates.check(step));
    this.remember(step, conditions);
    this.before = plan;
    return wrong;
  }

  /** Three hours from the first plan on; of a clock that was put back, from then on. */
  private keepTime({ nowMs }: PlanStep): void {
    if (this.policy.breakGlass === undefined) return;
    const untilMs = nowMs + 3 * 3_600_000;
    this.urgentUntilMs = this.before === undefined ? untilMs : Math.min(this.urgentUntilMs, untilMs);
  }

  private mayBegin(facts: NodeFacts, nowMs: number): boolean {
    return nowMs < this.urgentUntilMs || this.schedule.mayBegin(facts, nowMs);
  }

  /** The first plan fixes who is in which wave; its sizes are counted here by the policy alone. */
  private planWaves({ plan: { nodes }, facts }: PlanStep): string[] {
    let left = nodes.length;
    for (let wave = 0; left > 0; wave += 1) {
      const share = this.policy.waves[Math.min(wave, this.policy.waves.length) - 1];
      let size = share === undefined ? this.policy.canaries : 0;
      while (share !== undefined && (size + 1) * 1_000 <= thousandths(share, nodes.length)) size += 1;
      this.planned.push(Math.min(left, Math.max(1, size)));
      left -= this.planned.at(-1) ?? left;
    }
    return this.checkUndoneFirst(nodes, facts);
  }

  /** Who holds something of what is rolled back goes no later than who does not. */
  private checkUndoneFirst(nodes: RolloutPlan['nodes'], facts: readonly NodeFacts[]): string[] {
    const { undoes, toSeq } = this.policy;
    if (undoes === undefined) return [];
    const free = nodes.filter(({ node }) => {
      const known = facts.find((each) => each.node === node);
      const isHeldOut = ['diverged', 'forked', 'ahead', 'implausible'].includes(known?.report?.status ?? 'forked');
      return known?.connected === true && !isHeldOut && (known.report?.target ?? 0) < toSeq;
    });
    const first = free.filter(({ position }) => position > undoes.after);
    return (
      free
        // Who has chosen the canaries has chosen who goes first.
        .filter(({ wave }) => this.policy.canarySelector === undefined || wave !== 0)
        .filter(
          ({ position, wave }) => position <= undoes.after && first.some((each) => (each.wave ?? 0) > (wave ?? 0)),
        )
        .map(({ node }) => `${node} holds nothing of what is rolled back, and goes before one that does`)
    );
  }

  private checkMembership({ nodes, waves }: RolloutPlan, conditions: ReadonlyMap<NodeName, Condition>): string[] {
    const wrong: string[] = [];
    const untried = this.planned.map((_, wave) => this.isUntried(wave, conditions));
    if (waves.length !== this.planned.length || waves.some(({ planned }, wave) => planned !== this.planned[wave])) {
      wrong.push(`waves of ${waves.map(({ planned }) => planned).join(', ')} instead of ${this.planned.join(', ')}`);
    }
    for (const { node, wave } of nodes) {
      const known = this.waveOf.get(node);
      const isNew = this.before !== undefined && !this.before.nodes.some((other) => other.node === node);
      if (isNew && wave !== null) wrong.push(`${node} came late and is in wave ${wave}`);
      // Held out canaries are replaced, and so is a wave that nobody can try: there is no other way to another wave.
      const isNeeded = wave === 0 || (wave !== null && wave < (known ?? 0) && untried[wave] === true);
      if (!isNew && known !== undefined && wave !== known && !isNeeded) {
        wrong.push(`${node} changed from wave ${known}`);
      }
      if (wave !== (known ?? null)) this.known.clear();
      if (wave === null) this.waveOf.delete(node);
      else this.waveOf.set(node, wave);
    }
    return wrong;
  }

  private pastOf(node: NodeName, facts?: NodeFacts): Past {
    const known = this.past.get(node);
    if (known !== undefined) return known;
    const past: Past = {
      released: false,
      excused: true,
      workingSinceMs: undefined,
      retried: false,
      probesAgainSinceMs: undefined,
      complaint: undefined,
      unwellBefore:
        this.policy.undoes !== undefined && ['failed', 'quarantined'].includes(facts?.report?.status ?? 'in-step'),
      thereSinceMs: undefined,
    };
    this.past.set(node, past);
    return past;
  }

  private look({ facts, order, nowMs, retired }: PlanStep): Map<NodeName, Condition> {
    this.retiredUpTo = Math.max(0, ...retired.map(({ seq }) => seq));
    if (order?.kind === 'resume') {
      const { before } = this;
      if (before?.status === 'halted' && before.halt?.reason !== 'gate') this.excuseFailed();
      const isUnknown = before?.waiting?.reason === 'inconclusive' && before.waiting.what.kind !== 'gate';
      if (before?.status === 'paused' && isUnknown) this.probes.drop(before);
    }
    const conditions = new Map<NodeName, Condition>();
    for (const each of facts) {
      const past = this.pastOf(each.node, each);
      if (!past.released) past.complaint = each.report?.trouble?.id;
      past.released ||= (each.report?.target ?? 0) >= this.policy.toSeq;
      if (order?.kind === 'retry') this.takeUpAgain(each, past, nowMs);
      const condition = this.probed(each, this.conditionOf(each, past, nowMs), nowMs);
      past.thereSinceMs = condition === 'there' ? Math.min(past.thereSinceMs ?? nowMs, nowMs) : undefined;
      if (condition === 'there') past.unwellBefore = false;
      if (condition !== 'bad' && condition !== 'unknown') past.excused = !past.released;
      if (condition !== 'working') past.workingSinceMs = condition === 'bad' ? past.workingSinceMs : undefined;
      conditions.set(each.node, condition);
    }
    return conditions;
  }

  private conditionOf(facts: NodeFacts, past: Past, nowMs: number): Condition {
    const { connected, report } = facts;
    if (report === null || report.status === 'forked' || report.status === 'ahead') return 'out';
    const isAt = report.target >= this.policy.toSeq;
    const hasFailed = isAt && (report.status === 'failed' || report.status === 'quarantined');
    if (!hasFailed || report.status === 'quarantined') past.retried = false;
    const isGone = !connected && past.released;
    // Who is back has all the time again.
    if (isGone || (hasFailed && !past.retried)) past.workingSinceMs = undefined;
    if (isGone || (hasFailed && !past.retried)) return 'bad';
    if (!connected) return 'out';
    if (report.status === 'diverged' || report.status === 'implausible') return 'out';
    const complains = report.trouble !== undefined && report.trouble.id !== past.complaint;
    if (past.released && complains) return 'bad';
    if (report.status === 'in-step' && report.position >= this.policy.toSeq) return 'there';
    if (!past.released) return 'idle';
    // It was sent, has not taken it up, and may not now, or nobody wants it any more.
    const isKept = report.position < this.retiredUpTo || !this.mayBegin(facts, nowMs);
    if (report.target < this.policy.toSeq && isKept) return 'idle';
    past.workingSinceMs = Math.min(past.workingSinceMs ?? nowMs, nowMs);
    return nowMs - past.workingSinceMs > this.policy.deadlineMs ? 'bad' : 'working';
  }

  /** The probes' word: before its load it keeps a node from that, after it it is a failure, until its wave has passed. */
  private probed(facts: NodeFacts, condition: Condition, nowMs: number): Condition {
    const past = this.pastOf(facts.node);
    const againSinceMs = past.probesAgainSinceMs;
    past.probesAgainSinceMs = undefined;
    if (condition !== 'idle' && condition !== 'there') return condition;
    const wave = this.waveOf.get(facts.node);
    const isOver = this.before !== undefined && (wave === undefined || this.passed.has(wave));
    if (condition === 'there' ? isOver : this.policy.undoes !== undefined) return condition;
    switch (this.probes.says(facts, nowMs)) {
      case 'well':
        return condition;
      case 'ill': {
        if (condition !== 'there') return 'ill';
        // Somebody wants it waited for once more, for as long as they say so without a pause, and its time has not passed.
        const sinceMs = Math.min(againSinceMs ?? -Infinity, nowMs);
        if (nowMs - sinceMs > this.policy.deadlineMs) return 'bad';
        past.probesAgainSinceMs = sinceMs;
        this.probes.waitFrom(facts.node, sinceMs);
        return 'working';
      }
      case 'unknown':
        return 'unknown';
      case 'silent':
        return condition === 'there' ? 'working' : 'unready';
    }
  }

  private excuseFailed(): void {
    for (const [node, past] of this.past) {
      const reason = this.before?.nodes.find((other) => other.node === node)?.notYet?.reason;
      const isBad = ['failed', 'quarantined', 'unwell', 'lost', 'overdue', 'unreachable', 'probe-failed'].includes(
        reason ?? '',
      );
      if (isBad && past.released) past.excused = true;
    }
  }

  private takeUpAgain({ node, report }: NodeFacts, past: Past, nowMs: number): void {
    const seen = this.before?.nodes.find((other) => other.node === node);
    const reason = seen?.notYet?.reason ?? '';
    if (!['failed', 'unwell', 'lost', 'overdue', 'unreachable', 'probe-failed'].includes(reason)) return;
    // Of who was there when that was said: the first word of its probes after its load is looked at as anybody's.
    const wasThere = seen !== undefined && seen.position >= this.policy.toSeq;
    Object.assign(past, { retried: true, probesAgainSinceMs: wasThere ? nowMs : undefined, workingSinceMs: nowMs });
    Object.assign(past, { excused: false, unwellBefore: false, complaint: report?.trouble?.id });
  }

  private isFailure(node: NodeName, conditions: ReadonlyMap<NodeName, Condition>): boolean {
    const { excused, unwellBefore } = this.pastOf(node);
    return conditions.get(node) === 'bad' && !excused && !unwellBefore;
  }

  /** It has not passed, and nobody of it is there, could start, is on the way or has failed at it. */
  private isUntried(wave: number, conditions: ReadonlyMap<NodeName, Condition>): boolean {
    if (this.passed.has(wave)) return false;
    return this.members(wave).every((node) => {
      const condition = conditions.get(node);
      return (
        condition === undefined ||
        ['out', 'ill', 'unknown'].includes(condition) ||
        (condition === 'bad' && !this.isFailure(node, conditions))
      );
    });
  }

  private members(wave: number): NodeName[] {
    const known = this.known.get(wave);
    if (known !== undefined) return known;
    const found: NodeName[] = [];
    for (const [node, its] of this.waveOf) if (its === wave) found.push(node);
    this.known.set(wave, found);
    return found;
  }

  /** Nothing begins before so many others than the author have agreed to this very division into waves. */
  private checkApproved({ plan, order, nowMs, facts }: PlanStep): string[] {
    const rules = this.policy.approvals;
    if (rules === null) return [];
    // What was agreed to, told by who was in which wave when it was said.
    const divided = ({ nodes }: RolloutPlan): string =>
      nodes
        .flatMap(({ node, wave }) => (wave === null ? [] : [`${node} ${wave}`]))
        .sort()
        .join();
    const division = divided(plan);
    if (order?.kind === 'approve') {
      const { before } = this;
      const isMeant = before !== undefined && order.hash === before.approvals?.hash;
      this.words.set(order.by, { plan: isMeant ? divided(before) : '', atMs: nowMs });
    }
    const agreed = [...this.words].filter(
      ([by, word]) =>
        by !== rules.author &&
        word.plan === division &&
        nowMs - word.atMs < rules.validMs &&
        (rules.among.length === 0 || rules.among.includes(by)),
    );
    const begins = plan.nodes.filter(
      ({ node, released }) =>
        released &&
        !this.pastOf(node).released &&
        (facts.find((each) => each.node === node)?.report?.target ?? 0) < this.policy.toSeq,
    );
    const wrong = begins.length > 0 && !this.hasBegun && agreed.length < rules.needed;
    this.hasBegun ||= begins.length > 0 || (plan.status === 'succeeded' && agreed.length >= rules.needed);
    return wrong ? [`begins with ${agreed.length} of ${rules.needed} approvals`] : [];
  }

  /** Outside a window nobody is let go, and nobody is sent; who has taken it up already finishes. */
  private checkWindows({ plan, facts, nowMs }: PlanStep): string[] {
    const sent = new Set([
      ...plan.moves.map(({ node }) => node),
      ...plan.nodes.filter(({ node, released }) => released && !this.pastOf(node).released).map(({ node }) => node),
    ]);
    return facts
      .filter(({ node, report }) => sent.has(node) && (report?.target ?? 0) < this.policy.toSeq)
      .filter((each) => !this.mayBegin(each, nowMs))
      .map(({ node }) => `${node} begins outside its window`);
  }

  /** Who starts: in time, in order, and with room for it. */
  private checkStarts({ plan, facts, retired }: PlanStep, conditions: ReadonlyMap<NodeName, Condition>): string[] {
    const wrong: string[] = [];
    const isHere = new Set(facts.map(({ node }) => node));
    const starts = plan.nodes.filter(
      ({ node, released }) =>
        released &&
        !this.pastOf(node).released &&
        !['there', 'working', 'bad', 'out'].includes(conditions.get(node) ?? 'out'),
    );
    const mayStart = plan.status === 'running' || plan.status === 'succeeded';
    for (const { node, wave } of starts) {
      if (conditions.get(node) !== 'idle')
        wrong.push(`${node} starts, and its probes say ${conditions.get(node) ?? ''}`);
      if (!mayStart) wrong.push(`${node} starts while ${plan.status}`);
      if (wave === null && plan.status === 'running') wrong.push(`${node} came late and starts before the success`);
      if (retired.length > 0 && plan.status === 'running') wrong.push(`${node} starts to load what was retired`);
      // A wave that nobody has tried goes in its turn also after a success.
      const isOwnTurn = plan.status === 'succeeded' && wave !== null && plan.waves[wave]?.passedAtMs !== null;
      if (wave === null || wave === 0 || isOwnTurn) continue;
      if (!this.canaryArrived && !this.isThere(0, conditions)) wrong.push(`${node} starts with no canary there`);
      for (let lower = 0; lower < wave; lower += 1) {
        if (this.passed.has(lower)) continue;
        const waits = this.members(lower).find(
          (other) => isHere.has(other) && ['idle', 'unready', 'working'].includes(conditions.get(other) ?? ''),
        );
        if (waits !== undefined) wrong.push(`${node} of wave ${wave} starts before ${waits} of wave ${lower}`);
        if (!this.isThere(lower, conditions))
          wrong.push(`${node} of wave ${wave} starts before anybody of wave ${lower}`);
      }
    }
    const isBusy = (node: NodeName): boolean => conditions.get(node) === 'working' || this.isFailure(node, conditions);
    const busy = new Set(facts.map(({ node }) => node).filter(isBusy));
    wrong.push(
      ...this.spread.checkZones(
        facts,
        busy,
        starts.map(({ node }) => node),
      ),
    );
    if (plan.status === 'running')
      wrong.push(
        ...this.checkBudgets(
          starts.map(({ node }) => node),
          conditions,
          isHere,
        ),
      );
    return wrong;
  }

  /** Of one that is gone nobody knows what its kernel says now. */
  private isUp(node: NodeName, facts: readonly NodeFacts[]): boolean {
    const known = facts.find((each) => each.node === node);
    return known?.connected === true && known.report?.status !== 'failed' && known.report?.status !== 'diverged';
  }

  private isThere(wave: number, conditions: ReadonlyMap<NodeName, Condition>): boolean {
    return this.members(wave).some((node) => conditions.get(node) === 'there');
  }

  private checkBudgets(
    starts: readonly NodeName[],
    conditions: ReadonlyMap<NodeName, Condition>,
    isHere: ReadonlySet<NodeName>,
  ): string[] {
    return this.planned.flatMap((planned, wave) => {
      const members = this.members(wave).filter((node) => isHere.has(node));
      const starting = members.filter((node) => starts.includes(node)).length;
      const { atOnce } = this.policy;
      const atOnceThousandths = atOnce === null ? planned * 1_000 : Math.max(1_000, thousandths(atOnce, planned));
      const working = members.filter((node) => conditions.get(node) === 'working').length;
      const failed = members.filter((node) => this.isFailure(node, conditions)).length;
      const ill = members.filter((node) => conditions.get(node) === 'ill').length;
      // They slow a wave down, and never to a stand.
      const slows = Math.min(ill, Math.max(0, Math.floor(atOnceThousandths / 1_000) - failed - 1));
      const used = (working + failed + starting + slows) * 1_000;
      return starting > 0 && used > atOnceThousandths
        ? [`wave ${wave}: ${working} on the way, ${failed} failed, ${starting} start, of ${planned}`]
        : [];
    });
  }

  private checkStatus({ plan, facts, nowMs }: PlanStep, conditions: ReadonlyMap<NodeName, Condition>): string[] {
    const wrong: string[] = [];
    const isOver = this.policy.breakGlass !== undefined && nowMs >= this.urgentUntilMs;
    if (isOver && plan.status === 'running') wrong.push('is an emergency for longer than three hours');
    const isHere = new Set(facts.map(({ node }) => node));
    if (plan.status === 'running' || plan.status === 'succeeded') {
      for (const [wave, planned] of this.planned.entries()) {
        const failed = this.members(wave).filter((node) => isHere.has(node) && this.isFailure(node, conditions));
        // Who had failed, and whom somebody has gone on despite, has not been well since.
        const isDespite = ({ released, excused, unwellBefore }: Past): boolean => released && (excused || unwellBefore);
        const unknown = this.members(wave).filter(
          (node) => isHere.has(node) && conditions.get(node) === 'unknown' && !isDespite(this.pastOf(node)),
        );
        const isOpen = plan.waves[wave]?.passedAtMs === null;
        if (isOpen) wrong.push(...this.probes.checkUnknown(plan.status, wave, planned, unknown));
        const newlyDone = plan.status === 'succeeded' && this.before?.status !== 'succeeded';
        const judged = plan.status === 'running' || newlyDone;
        if (judged && failed.length * 1_000 > thousandths(this.policy.allowedFailures, planned)) {
          wrong.push(`goes on with ${failed.length} of ${planned} failed in wave ${wave}`);
        }
        const crashed = facts.find(({ node, report }) => {
          const oops = report?.trouble?.kind === 'oops' && report.trouble.id !== this.pastOf(node).complaint;
          // One that is gone may have been quarantined by what came before.
          const isQuarantined = report?.status === 'quarantined' && report.target >= this.policy.toSeq;
          return failed.includes(node) && (isQuarantined || (oops && this.isUp(node, facts)));
        });
        if (judged && crashed !== undefined) wrong.push(`goes on although ${crashed.node} crashed`);
      }
    }
    if (plan.status === 'halted' && plan.halt === null) wrong.push('is halted and does not say why');
    if (plan.status === 'halted' && plan.halt?.reason === 'failures') {
      const { failures, planned } = plan.halt;
      const isMore = failures * 1_000 > thousandths(this.policy.allowedFailures, planned);
      if (!isMore) wrong.push(`halts at ${failures} of ${planned}, which may fail`);
    }
    const mustWait = plan.status === 'running' || plan.status === 'paused';
    if (mustWait && plan.waiting === null) wrong.push(`is ${plan.status} and does not say what it waits for`);
    return wrong;
  }

  /** No wave is skipped: one passes when somebody of it is there, nobody could start or is on the way, and once for all. */
  private checkPasses({ plan, facts, nowMs }: PlanStep, conditions: ReadonlyMap<NodeName, Condition>): string[] {
    const isHere = new Set(facts.map(({ node }) => node));
    return plan.waves.flatMap(({ passedAtMs }, wave) => {
      if (passedAtMs === null) return this.passed.has(wave) ? [`wave ${wave} had passed`] : [];
      if (this.passed.has(wave)) return [];
      const waits = this.members(wave).find(
        (node) => isHere.has(node) && ['idle', 'unready', 'working'].includes(conditions.get(node) ?? ''),
      );
      if (waits !== undefined) return [`wave ${wave} passes before ${waits}`];
      if (!this.isThere(wave, conditions)) return [`wave ${wave} passes, and nobody has tried it`];
      const failed = this.members(wave).filter((node) => isHere.has(node) && this.isFailure(node, conditions)).length;
      if (failed * 1_000 > thousandths(this.policy.allowedFailures, this.planned[wave] ?? 0))
        return [`wave ${wave} passes with ${failed} failed`];
      const young = this.members(wave).find((node) => {
        const { thereSinceMs } = this.pastOf(node);
        return isHere.has(node) && thereSinceMs !== undefined && nowMs - thereSinceMs < this.policy.bakeMs;
      });
      return young === undefined ? [] : [`wave ${wave} passes before ${young} has been well for long enough`];
    });
  }

  private remember({ plan, nowMs }: PlanStep, conditions: ReadonlyMap<NodeName, Condition>): void {
    this.probes.remember(plan, nowMs);
    this.canaryArrived ||= this.isThere(0, conditions);
    for (const [wave, { passedAtMs }] of plan.waves.entries()) if (passedAtMs !== null) this.passed.add(wave);
    for (const { node, released } of plan.nodes) {
      const past = this.pastOf(node);
      const starts = released && !past.released;
      if (starts) Object.assign(past, { released: true, excused: false, workingSinceMs: nowMs });
    }
  }
}
