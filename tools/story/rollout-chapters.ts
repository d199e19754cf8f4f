// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { cluster, cve, expectThat, type StoryStage } from './story-stage';
import { lookAt, newestRollout, patienceMs, watchToTheEnd, watchUntil } from './told-rollout';

const plan = z.object({ hash: z.string() });

const bakeSeconds = 25;
const rules = [
  ...['--canaries', '2', '--waves', '30%,70%', '--at-once', '25%', '--allowed-failures', '1%'],
  ...['--bake', `${bakeSeconds}s`, '--probe', 'command=web-answers', '--probe-every', '5s'],
  // Two hundred agents share this machine: a probe that waits for a processor is no verdict.
  ...['--probe-timeout', '30s'],
];
/** Of what mends it: all after the canaries. */
const fastRules = [
  ...['--canaries', '2', '--waves', '100%', '--bake', '5s'],
  ...['--probe', 'command=web-answers', '--probe-timeout', '30s'],
];

/** Shows what would happen, and begins exactly that. @returns the rollout's id */
async function planAndStart({ people, say }: StoryStage, asRules: readonly string[]): Promise<string> {
  const asked = ['--cluster', cluster, ...asRules];
  await people.type('ada', ['rollout', 'plan', ...asked], { says: /Ends not before/ });
  const { hash } = await people.ask(['rollout', 'plan', ...asked], plan);
  await people.type('ada', ['rollout', 'start', '--cluster', cluster, '--plan', hash], { most: 3 });
  const id = await newestRollout(people, cluster);
  const waiting = await lookAt(people, id);
  expectThat('it waits for approvals', waiting.waiting?.reason === 'approval', waiting.waiting);
  say('Nobody begins: the cluster wants the approval of two people, and never of who asked for it.');
  return id;
}

const hashOf = async ({ people }: StoryStage, id: string): Promise<string> => {
  const { approvals } = await lookAt(people, id);
  return approvals?.planHash ?? '';
};

async function approve(stage: StoryStage, id: string, person: string): Promise<void> {
  const hash = await hashOf(stage, id);
  await stage.people.type(person, ['rollout', 'approve', id, '--plan', hash], { most: 3 });
}

export interface HaltedRollout {
  readonly id: string;
  /** Whose probe failed. */
  readonly canary: string;
}

/** Plan, approvals, a canary that fails its probe, halt. */
export async function tellFirstRollout(stage: StoryStage): Promise<HaltedRollout> {
  const { people, narrator, fleet, patches, say } = stage;
  await narrator.chapter('A fix is written, built and ordered', async () => {
    const submit = ['patch', 'submit', patches.first, '--name', 'meminfo', '--cve', cve, '--wait'];
    await people.type('ada', submit, { says: /succeeded/ });
    await people.type('ada', ['order', 'append', 'meminfo', '--cluster', cluster], { says: /Appended: #1/ });
    await people.type('ada', ['cve', cve, '--cluster', cluster], { most: 4 });
  });
  const id = await narrator.chapter('It is planned, and approved by two people', async () => {
    const started = await planAndStart(stage, rules);
    const hash = await hashOf(stage, started);
    const own = ['rollout', 'approve', started, '--plan', hash];
    await people.type('ada', own, { code: 1, says: /nobody approves what they ask for themselves/, most: 2 });
    await approve(stage, started, 'bob');
    await approve(stage, started, 'carol');
    return started;
  });
  const canary = await narrator.chapter('A canary fails its probe, and the rollout halts', async () => {
    const there = await watchUntil(stage, id, 'a canary is there', ({ nodes }) =>
      nodes.some(({ wave, notYet }) => wave === 0 && notYet === null),
    );
    const sick = there.nodes.find(({ wave, notYet }) => wave === 0 && notYet === null)?.node ?? '';
    say(`A service of ${sick} answers no more.`);
    await fleet.setService(sick, false);
    const halted = await watchUntil(stage, id, 'it halts', ({ status }) => status === 'halted');
    const touched = halted.nodes.filter(({ position }) => position > 0);
    expectThat(
      'nobody but the canaries was touched',
      touched.every(({ wave }) => wave === 0),
      touched,
    );
    const why = halted.nodes.find(({ node }) => node === sick)?.notYet?.reason;
    expectThat('it halted for the probe', why === 'probe-failed', why);
    await people.type('ada', ['rollout', 'show', id], { says: /Halted: 1 of 2 nodes of the canaries failed/ });
    return sick;
  });
  return { id, canary };
}

/** What is in the way of the fix of the fix, and how it is built onto what is there. @returns its module */
export async function tellStackedBuild({ people, narrator, patches }: StoryStage): Promise<string> {
  const title = 'The fix is mended: what is in its way, and how it is built onto what is there';
  return narrator.chapter(title, async () => {
    const submit = ['patch', 'submit', patches.second, '--name', 'meminfo-again', '--cve', cve];
    await people.type('ada', [...submit, '--wait'], { says: /succeeded/ });
    const conflicts = ['conflicts', '--cluster', cluster, 'meminfo-again'];
    await people.type('ada', conflicts, { code: 1, says: /meminfo_proc_show/ });
    const append = ['order', 'append', 'meminfo-again', '--cluster', cluster];
    await people.type('ada', append, { code: 1, says: /meminfo_proc_show/, most: 4 });
    const onto = ['--onto', '1', '--cluster', cluster, '--wait'];
    const built = await people.type('ada', [...submit, ...onto], { says: /succeeded/ });
    const patience = ['--transition-timeout', '5m'];
    await people.type('ada', [...append, ...patience], { says: /Appended: #2/ });
    await people.type('ada', ['order', 'show', '--cluster', cluster]);
    return /(lockstep_\w+) \(1 function\)/.exec(built)?.[1] ?? '';
  });
}

const minuteMs = 60_000;
const everyDay = 'mon,tue,wed,thu,fri,sat,sun';
const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 16);

/** One window that is open and closes soon, and one that opens a little later. */
async function addWindows({ people }: StoryStage): Promise<void> {
  const add = ['window', 'add'];
  const common = ['--cluster', cluster, '--zone', 'UTC', '--days', everyDay];
  const nowMs = Date.now();
  const begunMs = Math.floor(nowMs / minuteMs) * minuteMs - 2 * minuteMs;
  // Two waves prove themselves for longer than this: the last one finds it closed.
  const lengthSeconds = Math.ceil((nowMs - begunMs) / 1_000) + 40;
  const opensMs = Math.ceil((nowMs + 80_000) / minuteMs) * minuteMs;
  const until = ['--start', clock(begunMs), '--length', `${lengthSeconds}s`];
  await people.type('admin', [...add, 'afternoon', ...common, ...until]);
  await people.type('admin', [...add, 'evening', ...common, '--start', clock(opensMs), '--length', '4h']);
}

/** What was halted is resumed, for a reason; its window closes and opens, and it is done. */
export async function tellResumed(stage: StoryStage, { id, canary }: HaltedRollout): Promise<void> {
  const { people, narrator, fleet, say } = stage;
  await narrator.chapter('It is resumed; its window closes, and opens', async () => {
    await people.type('ada', ['rollout', 'resume', id], { code: 1, says: /--reason/, most: 3 });
    await fleet.setService(canary, true);
    say(`The service of ${canary} answers again.`);
    await addWindows(stage);
    const reason = 'the service was restarted, and meminfo-again is ordered';
    await people.type('ada', ['rollout', 'resume', id, '--reason', reason], { most: 3 });
    await watchUntil(stage, id, 'it waits for its window', ({ waiting }) => waiting?.reason === 'window');
    await people.type('ada', ['rollout', 'show', id], { says: /window "evening" opens/, most: 6 });
    await watchToTheEnd(stage, id);
  });
}

const blocking = z.object({ transition: z.object({ blockers: z.array(z.unknown()) }).nullable() });

/** One node cannot switch while a task of it sleeps in what changes: who that is is told, and it goes on without being asked. */
async function tellBlocked(stage: StoryStage, id: string, node: string): Promise<void> {
  const { people, fleet, say, signal } = stage;
  await watchUntil(stage, id, 'all others are there', ({ nodes }) =>
    nodes.every((each) => (each.notYet === null) === (each.node !== node)),
  );
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    const { transition } = await people.ask(['node', 'blocking', node], blocking);
    if (transition !== null && transition.blockers.length > 0) break;
    expectThat(`${node} says in time who is in its way`, performance.now() < untilMs, transition);
    await sleep(1_000, undefined, { signal });
  }
  await people.type('ada', ['node', 'blocking', node], { says: /backup/ });
  await fleet.wake(node);
  say(`The task on ${node} has left.`);
}

/** The mended fix over it, on every node. @returns the rollout's id */
export async function tellSecondRollout(stage: StoryStage, module: string): Promise<string> {
  const { people, narrator, fleet, agents, say, signal } = stage;
  return narrator.chapter('The mended fix is rolled out: done, by what every kernel shows', async () => {
    const id = await planAndStart(stage, fastRules);
    const { nodes } = await lookAt(people, id);
    const last = nodes.at(-1)?.node ?? '';
    say(`A task of ${last} sleeps in the function that changes.`);
    await fleet.sleepIn(last, module);
    await approve(stage, id, 'carol');
    await approve(stage, id, 'bob');
    await tellBlocked(stage, id, last);
    await watchToTheEnd(stage, id);
    await sleep(1_000, undefined, { signal });
    await people.type('ada', ['cve', cve, '--cluster', cluster], { most: 4 });
    const exposure = await people.ask(
      ['node', 'ls', '--cluster', cluster, '--without-cve', cve],
      z.object({ nodes: z.array(z.object({ name: z.string() })) }),
    );
    expectThat('no node is without the fix', exposure.nodes.length === 0, exposure.nodes);
    say(`All ${agents} nodes show it.`);
    return id;
  });
}

/** Undone, forward. @returns the rollout that did */
export async function tellRollback(stage: StoryStage, undone: string): Promise<string> {
  const { people, narrator, fleet } = stage;
  return narrator.chapter('It is rolled back, forward', async () => {
    await people.type('ada', ['rollout', 'rollback', undone, '--plan'], { says: /meminfo/ });
    await people.type('ada', ['rollout', 'rollback', undone, '--waves', '100%'], { says: /Appended/, most: 5 });
    const id = await newestRollout(people, cluster);
    await approve(stage, id, 'bob');
    await approve(stage, id, 'carol');
    const { nodes } = await watchToTheEnd(stage, id);
    for (const { node } of nodes) {
      const held = await fleet.holds(node);
      expectThat(`${node} holds the first fix alone`, held.length === 1, held);
    }
    stage.say(`The kernels of all ${nodes.length} nodes hold the first fix alone.`);
    return id;
  });
}

/** Who did what, that nothing of it was changed, and what an auditor wants of the rollout. */
export async function tellAudit({ people, narrator }: StoryStage, rollout: string): Promise<void> {
  await narrator.chapter('What was done, by whom, and what came of it', async () => {
    // Before that the nodes enrolled, one by one.
    await people.type('admin', ['audit', 'ls', '--last', '24'], { says: /ApproveRollout/i, most: 25 });
    await people.type('admin', ['audit', 'verify']);
    await people.type('admin', ['report', 'rollout', rollout], { says: /succeeded/, most: 24 });
  });
}
