// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { parseClusterName, parseKernelBuildId, parseSeq } from '@lockstep/domain/livepatch-model';
import fc from 'fast-check';
import { memberKey, type CampaignFacts, type CampaignOrder, type MemberFacts, type MemberRollout } from './campaign';
import { agreementText, campaignState, lacksApprovals, memberState, troublesOf } from './campaign-state';
import { nextSteps, type CampaignStep } from './next-steps';
import { refuseCampaignOrder } from './refuse-campaign-order';

const kernelBuild = parseKernelBuildId('ab'.repeat(20));
const digest = (text: string): string => `<${text}>`;
const nothing = { build: { kind: 'none' }, seq: null, problem: null, rollout: null } as const;
const member = (cluster: string, some: Partial<MemberFacts> = {}): MemberFacts => ({
  ...{ cluster: parseClusterName(cluster), kernelBuild, ...nothing },
  ...some,
});
const rollout = (id: string, some: Partial<MemberRollout> = {}): MemberRollout => ({
  ...{ id, status: 'paused', approvals: null, words: [{ kind: 'pause', atMs: 0, ofCampaign: true }] },
  ...some,
});
const approvals = (hash: string, ...by: string[]) => ({
  ...{ hash, needed: 2, among: [], given: by.length, by, begun: false, validMs: 1_000 },
  told: by.map((each) => ({ by: each, atMs: 10 })),
});
const facts = (members: readonly MemberFacts[], some: Partial<CampaignFacts> = {}): CampaignFacts => ({
  ...{ policy: { membersAtOnce: 1, goesOnAfterHalt: false }, members, orders: [], nowMs: 100 },
  ...some,
});
const order = <T extends object>(some: T) => ({ by: 'person:bob', reason: '', atMs: 10, ...some });
const show = (steps: readonly CampaignStep[]): string[] =>
  steps.map((step) => {
    switch (step.kind) {
      case 'build':
        return `build ${step.kernelBuilds.length}`;
      case 'append':
      case 'begin':
        return `${step.kind} ${step.member.cluster}`;
      case 'say':
        return `${step.word} ${step.rollout}`;
      case 'approve':
        return `approve ${step.rollout} by ${step.of.by}`;
    }
  });

describe('what is done next', () => {
  test('all is built before anything is ordered, and a build that failed orders nothing', () => {
    const built = { kind: 'built', id: 'b' } as const;
    expect(show(nextSteps(facts([member('a'), member('b')]), digest))).toEqual(['build 1']);
    const building = facts([member('a', { build: built }), member('b', { build: { kind: 'working', id: 'w' } })]);
    expect([campaignState(building), show(nextSteps(building, digest))]).toEqual(['preparing', []]);
    const failed = facts([
      member('a', { build: built }),
      member('b', { build: { kind: 'failed', id: 'w', message: 'no' } }),
    ]);
    expect([campaignState(failed), show(nextSteps(failed, digest))]).toEqual(['halted', []]);
    const despite = { ...failed, orders: [order({ kind: 'resume' as const, despite: [`b/${kernelBuild}`] })] };
    expect(show(nextSteps(despite, digest))).toEqual(['append a']);
    const both = facts([member('a', { build: built }), member('b', { build: built, seq: parseSeq(3) })]);
    expect(show(nextSteps(both, digest))).toEqual(['append a', 'begin b']);
  });

  test('one after the other is let go, in order; a member that halts holds those that have not begun', () => {
    const [a, b] = [member('a', { rollout: rollout('ra') }), member('b', { rollout: rollout('rb') })];
    expect(show(nextSteps(facts([a, b]), digest))).toEqual(['resume ra']);
    const began = { words: [{ kind: 'resume', atMs: 1, ofCampaign: true } as const] };
    const of = (status: MemberRollout['status']): MemberFacts => ({
      ...a,
      rollout: rollout('ra', { ...began, status }),
    });
    expect(show(nextSteps(facts([of('running'), b]), digest))).toEqual([]);
    expect(show(nextSteps(facts([of('succeeded'), b]), digest))).toEqual(['resume rb']);
    const halted = facts([of('halted'), b]);
    expect([campaignState(halted), show(nextSteps(halted, digest))]).toEqual(['halted', []]);
    const policy = { membersAtOnce: 1, goesOnAfterHalt: true };
    expect(show(nextSteps({ ...halted, policy }, digest))).toEqual(['resume rb']);
    const resumed = { ...halted, orders: [order({ kind: 'resume' as const, despite: [`a/${kernelBuild}`] })] };
    expect(show(nextSteps(resumed, digest))).toEqual(['resume rb']);
  });

  test('an approval of the campaign counts for each member, as long as it is the same plan', () => {
    const members = (hash: string, ...by: string[]) => [
      member('a', { rollout: rollout('ra', { approvals: approvals('ha') }) }),
      member('b', { rollout: rollout('rb', { approvals: approvals(hash, ...by) }) }),
    ];
    const planned = facts(members('hb'));
    expect([campaignState(planned), show(nextSteps(planned, digest))]).toEqual(['waiting', []]);
    const approve = (by: string, hash = digest(agreementText(planned)!)): CampaignOrder =>
      order({ kind: 'approve', by, hash });
    const orders = [approve('person:bob')];
    expect(show(nextSteps({ ...planned, orders }, digest))).toEqual([
      'approve ra by person:bob',
      'approve rb by person:bob',
    ]);
    expect(show(nextSteps({ ...planned, orders, members: members('hb', 'person:bob') }, digest))).toEqual([
      'approve ra by person:bob',
    ]);
    // It has expired, and is not given again by itself.
    expect(show(nextSteps({ ...planned, orders, nowMs: 1_010 }, digest))).toEqual([]);
    // A node has left b: what was approved is another plan.
    expect(show(nextSteps({ ...planned, orders, members: members('other') }, digest))).toEqual([]);
    const setting = { author: 'person:ada', digest };
    const refused = (by: string, hash: string) =>
      refuseCampaignOrder({ kind: 'approve', by, reason: '', hash }, planned, setting)?.reason;
    expect(refused('person:ada', digest(agreementText(planned)!))).toBe('own-approval');
    expect(refused('person:bob', 'x')).toBe('other-plan');
    expect(refused('person:bob', digest(agreementText(planned)!))).toBeUndefined();
  });

  test('paused, all that were let go pause with it, but for whom somebody has let go on since', () => {
    const running = (id: string, atMs: number, ofCampaign = true) =>
      rollout(id, { status: 'running', words: [{ kind: 'resume', atMs, ofCampaign }] });
    const members = [member('a', { rollout: running('ra', 1) }), member('b', { rollout: running('rb', 99, false) })];
    const paused = facts(members, { orders: [order({ kind: 'pause' as const })] });
    expect(show(nextSteps(paused, digest))).toEqual(['pause ra']);
    // Its own word, begun before the pause and told after it, lets nobody run on.
    const late = facts([member('a', { rollout: running('ra', 99) })], { orders: paused.orders });
    expect(show(nextSteps(late, digest))).toEqual(['pause ra']);
    expect(refuseCampaignOrder({ ...order({}), kind: 'pause' }, paused, { author: '', digest })?.reason).toBe(
      'paused-already',
    );
    const words = [
      { kind: 'resume', atMs: 1, ofCampaign: true } as const,
      { kind: 'pause', atMs: 11, ofCampaign: true } as const,
    ];
    const stopped = [member('a', { rollout: rollout('ra', { words }) })];
    const again = [order({ kind: 'pause' as const }), order({ kind: 'resume' as const, atMs: 20, despite: [] })];
    expect(show(nextSteps(facts(stopped, { orders: again }), digest))).toEqual(['resume ra']);
    const byHand = [
      member('a', { rollout: rollout('ra', { words: [words[0]!, { ...words[1]!, ofCampaign: false }] }) }),
    ];
    expect(show(nextSteps(facts(byHand, { orders: again }), digest))).toEqual([]);
  });

  test('a member whose rollout another one has taken the place of, as one that takes it back, holds the others', () => {
    const taken = facts([
      member('a', { seq: parseSeq(1), rollout: rollout('ra', { status: 'superseded' }) }),
      member('b', { seq: parseSeq(1), rollout: rollout('rb') }),
    ]);
    expect([campaignState(taken), show(nextSteps(taken, digest))]).toEqual(['halted', []]);
    const despite = [
      order({ kind: 'resume' as const, reason: 'the next one is better', despite: [memberKey(taken.members[0]!)] }),
    ];
    expect(show(nextSteps({ ...taken, orders: despite }, digest))).toEqual(['resume rb']);
  });

  test('who went on despite a member went on despite what it had then, and not despite what comes after', () => {
    const halted = (atMs: number) =>
      member('a', {
        rollout: rollout('ra', { status: 'halted', words: [{ kind: 'resume', atMs, ofCampaign: true }] }),
      });
    const held = member('b', { rollout: rollout('rb') });
    const orders = [
      order({ kind: 'resume' as const, atMs: 10, reason: 'known', despite: [memberKey(held), memberKey(halted(0))] }),
    ];
    expect(show(nextSteps(facts([halted(5), held], { orders }), digest))).toEqual(['resume rb']);
    expect(show(nextSteps(facts([halted(20), held], { orders }), digest))).toEqual([]);
  });

  test('aborted, every rollout of it that has not ended is aborted, also one that waits for its turn', () => {
    const members = [
      member('a', { rollout: rollout('ra', { status: 'succeeded' }) }),
      member('b', { rollout: rollout('rb', { status: 'halted' }) }),
      member('c', { rollout: rollout('rc') }),
      member('d'),
    ];
    const aborted = facts(members, { orders: [order({ kind: 'abort' as const })] });
    expect([campaignState(aborted), show(nextSteps(aborted, digest))]).toEqual(['aborted', ['abort rb', 'abort rc']]);
  });
});

/** What may happen to a campaign between two looks. */
type Happening =
  | { readonly kind: 'ends'; readonly at: number; readonly as: 'succeeded' | 'halted' | 'aborted' }
  | { readonly kind: 'builds'; readonly at: number; readonly well: boolean }
  | { readonly kind: 'changes'; readonly at: number }
  | { readonly kind: 'approves'; readonly by: string }
  | { readonly kind: 'orders'; readonly order: 'pause' | 'resume' };

const anyHappening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({
    ...{ kind: fc.constant('ends' as const), at: fc.nat(4) },
    as: fc.constantFrom('succeeded' as const, 'succeeded' as const, 'halted' as const, 'aborted' as const),
  }),
  fc.record({ kind: fc.constant('builds' as const), at: fc.nat(4), well: fc.boolean() }),
  fc.record({ kind: fc.constant('changes' as const), at: fc.nat(4) }),
  fc.record({ kind: fc.constant('approves' as const), by: fc.constantFrom('bob', 'carol', 'dave') }),
  fc.record({ kind: fc.constant('orders' as const), order: fc.constantFrom('pause' as const, 'resume' as const) }),
);

/** A campaign as it would be kept: does what it is told, and is killed between any two things. */
class Played {
  private nowMs = 0;

  constructor(public facts: CampaignFacts) {}

  private put(at: number, change: (member: MemberFacts) => MemberFacts): void {
    const members = this.facts.members.map((each, index) => (index === at ? change(each) : each));
    this.facts = { ...this.facts, members };
  }

  happen(happening: Happening): void {
    this.nowMs += 1;
    const { facts: now } = this;
    switch (happening.kind) {
      case 'ends':
        this.put(happening.at, (each) =>
          each.rollout?.status === 'running' ? { ...each, rollout: { ...each.rollout, status: happening.as } } : each,
        );
        break;
      case 'builds':
        this.put(happening.at, (each) => {
          if (each.build.kind !== 'working') return each;
          const { id } = each.build;
          return { ...each, build: happening.well ? { kind: 'built', id } : { kind: 'failed', id, message: '' } };
        });
        break;
      case 'changes':
        // A node has left: what was approved is void.
        this.put(happening.at, (each) => {
          const { rollout: its } = each;
          if (its?.approvals == null || its.approvals.begun) return each;
          const hash = `${its.approvals.hash}'`;
          return { ...each, rollout: { ...its, approvals: { ...its.approvals, hash, given: 0, by: [], told: [] } } };
        });
        break;
      case 'approves': {
        const text = agreementText(now);
        const wanted = { kind: 'approve' as const, by: happening.by, reason: '', hash: digest(text ?? '') };
        if (refuseCampaignOrder(wanted, now, { author: 'ada', digest }) !== undefined) break;
        this.facts = { ...now, orders: [...now.orders, { ...wanted, atMs: this.nowMs }] };
        break;
      }
      case 'orders': {
        const wanted = { kind: happening.order, by: 'bob', reason: 'because' };
        if (refuseCampaignOrder(wanted, now, { author: 'ada', digest }) !== undefined) break;
        const despite = troublesOf(now).map(({ cluster, kernelBuild: of }) => `${cluster}/${of}`);
        const given = { by: 'bob', reason: 'because', atMs: this.nowMs };
        const said =
          happening.order === 'pause'
            ? { ...given, kind: 'pause' as const }
            : { ...given, kind: 'resume' as const, despite };
        this.facts = { ...now, orders: [...now.orders, said] };
      }
    }
  }

  obey(step: CampaignStep): void {
    this.nowMs += 1;
    const find = (id: string): number => this.facts.members.findIndex(({ rollout: its }) => its?.id === id);
    const at = (member: MemberFacts): number =>
      this.facts.members.findIndex(({ cluster }) => cluster === member.cluster);
    switch (step.kind) {
      case 'build':
        for (const [index, each] of this.facts.members.entries()) {
          if (each.build.kind === 'none') this.put(index, (its) => ({ ...its, build: { kind: 'working', id: 'b' } }));
        }
        break;
      case 'append':
        this.put(at(step.member), (each) => ({ ...each, seq: parseSeq(1) }));
        break;
      case 'begin': {
        const id = `r-${step.member.cluster}`;
        this.put(at(step.member), (each) => ({ ...each, rollout: rollout(id, { approvals: approvals(`h-${id}`) }) }));
        break;
      }
      case 'approve':
        this.put(find(step.rollout), (each) => {
          const its = each.rollout!;
          const by = [...its.approvals!.by, step.of.by];
          const told = [...its.approvals!.told, { by: step.of.by, atMs: this.nowMs }];
          return { ...each, rollout: { ...its, approvals: { ...its.approvals!, by, given: by.length, told } } };
        });
        break;
      case 'say':
        this.put(find(step.rollout), (each) => this.said(each, step.word));
    }
  }

  private said(each: MemberFacts, word: 'pause' | 'resume' | 'abort'): MemberFacts {
    const its = each.rollout!;
    if (word === 'abort') return { ...each, rollout: { ...its, status: 'aborted' } };
    const words = [...its.words, { kind: word, atMs: this.nowMs, ofCampaign: true }];
    const begun = its.approvals === null ? null : { ...its.approvals, begun: its.approvals.begun || word === 'resume' };
    return { ...each, rollout: { ...its, words, approvals: begun, status: word === 'pause' ? 'paused' : 'running' } };
  }
}

const isBegun = (each: MemberFacts): boolean => each.rollout !== null && memberState(each) !== 'held';

/** What a step may not do, whatever came before. */
function breach(step: CampaignStep, before: CampaignFacts): string | undefined {
  const state = campaignState(before);
  if (step.kind === 'approve') {
    const its = before.members.find(({ rollout: each }) => each?.id === step.rollout)?.rollout;
    if (step.of.kind !== 'approve' || step.of.hash !== digest(agreementText(before) ?? ''))
      return 'an approval of another plan';
    return its?.approvals?.by.includes(step.of.by) === true ? 'an approval twice' : undefined;
  }
  if (step.kind === 'append' && before.members.some(({ build }) => build.kind === 'none' || build.kind === 'working')) {
    return 'ordered before all is built';
  }
  if (step.kind !== 'say' || step.word !== 'resume' || step.of !== null) return undefined;
  const turn = before.members.find(({ rollout: each }) => each?.id === step.rollout)!;
  if (lacksApprovals(turn)) return 'let go without its approvals';
  if (state === 'paused' || state === 'aborted') return `let go while ${state}`;
  if (!before.policy.goesOnAfterHalt && troublesOf(before).length > 0) return 'let go while another is in trouble';
  const under = before.members.filter((each) => ['running', 'paused'].includes(memberState(each))).length;
  return under >= before.policy.membersAtOnce ? 'more than may be under way' : undefined;
}

const anyPlay = fc.record({
  members: fc.integer({ min: 1, max: 5 }),
  membersAtOnce: fc.integer({ min: 1, max: 3 }),
  goesOnAfterHalt: fc.boolean(),
  happenings: fc.array(anyHappening, { maxLength: 60, size: 'max' }),
  cuts: fc.array(fc.nat(3), { minLength: 1, maxLength: 20 }),
});

type Play = typeof anyPlay extends fc.Arbitrary<infer P> ? P : never;

/** Each step is looked at before it is obeyed; then it goes on for as long as there is anything to do. */
function playToItsEnd({ members, happenings, cuts, ...policy }: Play): CampaignFacts {
  const names = Array.from({ length: members }, (_, index) => `c${index}`);
  const played = new Played(
    facts(
      names.map((name) => member(name)),
      { policy },
    ),
  );
  const look = (most: number): void => {
    for (const step of nextSteps(played.facts, digest).slice(0, most)) {
      expect(breach(step, played.facts)).toBeUndefined();
      played.obey(step);
    }
  };
  for (const [index, happening] of happenings.entries()) {
    look(cuts[index % cuts.length]!);
    played.happen(happening);
  }
  for (let left = 30; left > 0 && nextSteps(played.facts, digest).length > 0; left -= 1) look(Infinity);
  return played.facts;
}

test('whatever happens, in whatever order, and wherever it is cut off, each step may be done; and no campaign waits for nothing', () => {
  fc.assert(
    fc.property(anyPlay, (play) => {
      const end = playToItsEnd(play);
      expect(nextSteps(end, digest)).toEqual([]);
      const state = campaignState(end);
      const states = end.members.map(memberState);
      if (state === 'running')
        expect(
          end.members.some((each) => ['running', 'paused'].includes(memberState(each)) || lacksApprovals(each)),
        ).toBe(true);
      if (state === 'preparing') expect(states).toContain('building');
      if (state === 'succeeded') expect(end.members.every(isBegun)).toBe(true);
    }),
    { numRuns: 600 },
  );
});

test('such plays come to every end that there is', () => {
  // By a seed: what a few hundred others meet is luck.
  const ends = fc.sample(anyPlay, { numRuns: 600, seed: 1 }).map((play) => campaignState(playToItsEnd(play)));
  expect([...new Set(ends)]).toEqual(
    expect.arrayContaining(['halted', 'paused', 'preparing', 'running', 'succeeded', 'waiting']),
  );
});
