// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Role, RolloutStatus, type PlanRolloutResponse, type Rollout } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { runLockstep } from '@lockstep/testing/dev-fleet';
import type { TestAgent } from './test-agent';
import { eventually, TestPlane } from './test-plane';

jest.setTimeout(300_000);

let plane: TestPlane;

beforeAll(async () => {
  plane = await TestPlane.start();
  await plane.work(plane.honestWorker);
  await plane.addKernel();
  await plane.build('fix', 'a');
});
afterAll(() => plane.stop());

const fleet = () => plane.operator.fleet;
const lockstep = (...args: string[]) => runLockstep(plane.config.stateDir, args);
const rolloutOf = async (id: string): Promise<Rollout> => (await fleet().getRollout({ id })).rollout!;
const show = ({ status, nodes }: Rollout): string =>
  `${RolloutStatus[status].slice('ROLLOUT_STATUS_'.length).toLowerCase()}: ` +
  nodes.map(({ node, notYet }) => `${node} ${notYet?.reason ?? 'there'}`).join(', ');
const eventuallyShows = (id: string, expected: string): Promise<unknown> =>
  eventually(async () => {
    expect(show(await rolloutOf(id))).toBe(expected);
  });

/** A cluster of so many nodes that obey, with one entry in its load order. */
async function clusterOf(name: string, nodes: readonly string[]): Promise<void> {
  await fleet().createCluster({ ...switchingToWire({}), name });
  await plane.append(name, 'fix');
  const agents: TestAgent[] = [];
  for (const node of nodes) agents.push((await plane.enrol(name, node)).connect());
  await eventually(() => {
    expect(agents.map(({ headSeq }) => headSeq)).toEqual(nodes.map(() => 1));
  });
}

const ask = (cluster: string) => ({
  ...{ cluster, kernelBuildId: '', toSeq: 0, canaries: 1, waveSize: 3, rules: undefined, planHash: '' },
});

const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
/** Neither today nor tomorrow, wherever. */
const inThreeDays = (): string => days[(new Date().getUTCDay() + 3) % 7]!;

test('a rollout waits for its window, says until when, and begins when it may; a freeze beats the window', async () => {
  await clusterOf('w', ['w-1', 'w-2']);
  const times = { zone: 'Asia/Tokyo', days: [inThreeDays()], start: '02:30', lengthSeconds: 14_400 };
  const never = { cluster: 'w', name: 'never', selector: '', ...times, cutoffSeconds: 14_400 };
  await expect(fleet().addWindow(never)).rejects.toMatchObject({ reason: 'invalid-window' });
  const window = [
    '--cluster',
    'w',
    '--zone',
    times.zone,
    '--days',
    inThreeDays(),
    '--start',
    '02:30',
    '--length',
    '4h',
  ];
  const added = await lockstep('window', 'add', 'night', ...window, '--cutoff', '1h', '--json');
  expect(JSON.parse(added.stdout)).toMatchObject({ window: { name: 'night', start: '02:30', lengthSeconds: 14_400 } });

  const planned = await lockstep('rollout', 'plan', '--cluster', 'w', '--json');
  const { gates } = JSON.parse(planned.stdout) as PlanRolloutResponse;
  expect(gates).toMatchObject([
    { nodes: 2, closed: expect.stringMatching(/^window "night" opens .* 02:30 in Asia.Tokyo$/) },
  ]);
  const { rollout } = await fleet().startRollout(ask('w'));
  await eventuallyShows(rollout!.id, 'running: w-1 waiting-for-window, w-2 waiting-for-canary');
  const shown = await lockstep('rollout', 'show', rollout!.id);
  expect(shown.stdout).toMatch(
    /Nothing may begin now: window "night" opens \w+ .* 02:30 in Asia.Tokyo\. Here that is /,
  );

  const until = new Date(Date.now() + 3_600_000);
  await fleet().addFreeze({ name: 'fair', cluster: '', selector: '', from: undefined, until, reason: 'the fair' });
  await fleet().removeWindow({ cluster: 'w', name: 'night' });
  await eventually(async () => {
    expect((await rolloutOf(rollout!.id)).waiting).toMatchObject({
      reason: 'window',
      message: expect.stringMatching(/freeze "fair" is on \(the fair\)/),
    });
  });
  expect((await lockstep('freeze', 'ls')).stdout).toMatch(/fair +\(all\).*the fair/);
  // One of every cluster is none of this one.
  await expect(fleet().removeFreeze({ cluster: 'w', name: 'fair' })).rejects.toMatchObject({
    reason: 'unknown-freeze',
  });
  await fleet().removeFreeze({ cluster: '', name: 'fair' });
  await eventuallyShows(rollout!.id, 'succeeded: w-1 there, w-2 there');
  const { events } = await fleet().listEvents({ types: ['schedule.changed'], cluster: '', limit: 0 });
  expect(events.map(({ subject }) => subject).sort()).toEqual(['fair', 'fair', 'night', 'night']);
});

test('a rollout begins when two people other than its author have approved that very plan', async () => {
  await clusterOf('a', ['a-1', 'a-2', 'a-3']);
  const approvals = (needed: number, ...approvers: string[]) => ({ needed, approvers, validSeconds: 0 });
  await expect(fleet().updateCluster({ name: 'a', approvals: approvals(2, 'bob') })).rejects.toMatchObject({
    reason: 'invalid-approvals',
  });
  await fleet().updateCluster({ name: 'a', approvals: approvals(2) });
  const rights = { roles: [Role.ROLE_APPROVER] };
  const bob = plane.operatorWith(await plane.accessToken('bob', rights)).fleet;
  const carol = plane.operatorWith(await plane.accessToken('carol', rights)).fleet;
  const { rollout } = await fleet().startRollout(ask('a'));
  const { id } = rollout!;
  await eventuallyShows(id, 'running: a-1 waiting-for-approval, a-2 waiting-for-canary, a-3 waiting-for-canary');
  const planHash = (await rolloutOf(id)).approvals!.planHash;
  const approve = { id, planHash, reason: '' };
  await expect(fleet().approveRollout(approve)).rejects.toMatchObject({ reason: 'own-approval' });
  await expect(bob.approveRollout({ ...approve, planHash: 'ab' })).rejects.toMatchObject({ reason: 'other-plan' });
  await bob.approveRollout(approve);
  await expect(bob.approveRollout(approve)).rejects.toMatchObject({ reason: 'approved-already' });
  const shown = await lockstep('rollout', 'approvals', id);
  expect(shown.stdout).toMatch(/Approvals: 1 of 2, never of person:local-admin[^]*person:bob .* this/);
  expect(await bob.reviewRollout({ id })).toMatchObject({
    ...{ sinceApproved: undefined, sinceLast: undefined },
    nodes: ['a-1', 'a-2', 'a-3'].map((node) => ({ node, loads: ['lockstep_fix'], unloads: [], leftOut: '' })),
  });
  // What was approved is another plan than this one, and whoever approves is told why.
  await fleet().removeNode({ name: 'a-3' });
  await eventuallyShows(id, 'running: a-1 waiting-for-approval, a-2 waiting-for-canary');
  const review = await lockstep('rollout', 'review', id);
  expect(review.stdout).toMatch(/Otherwise than in the plan that was approved .*:\n {2}a-3 has left\.\n/);
  const again = { id, planHash: (await rolloutOf(id)).approvals!.planHash, reason: '' };
  await expect(carol.approveRollout(approve)).rejects.toMatchObject({ reason: 'other-plan' });
  await bob.approveRollout(again);
  expect((await bob.reviewRollout({ id })).sinceApproved).toBeUndefined();
  await carol.approveRollout(again);
  await eventuallyShows(id, 'succeeded: a-1 there, a-2 there');
  const { orders, approvals: stood } = await rolloutOf(id);
  expect(orders.map(({ kind, givenBy }) => `${kind} ${givenBy}`)).toEqual([
    'approve person:bob',
    'approve person:bob',
    'approve person:carol',
  ]);
  expect(stood).toMatchObject({ needed: 2, begun: true, author: 'person:local-admin' });
  const { events } = await fleet().listEvents({ types: ['rollout.awaits-approval'], cluster: 'a', limit: 0 });
  // Of each plan once.
  expect(events).toMatchObject([{ subject: id }, { subject: id }]);
});

test('canaries are those that labels choose, and of a failure domain no more go at once than may', async () => {
  await fleet().createCluster({ ...switchingToWire({}), name: 's' });
  await plane.append('s', 'fix');
  const places = [{ zone: 'a' }, { zone: 'a' }, { zone: 'b' }, { zone: 'b', role: 'canary' }];
  const agents: TestAgent[] = [];
  for (const [index, labels] of places.entries()) {
    const made = await plane.enrol('s', `s-${index + 1}`);
    made.obedient = index === 3;
    agents.push(made.connect({ labels }));
  }
  await eventually(() => {
    expect(agents.map(({ headSeq }) => headSeq)).toEqual([1, 1, 1, 1]);
  });
  const start = (...options: string[]) =>
    lockstep('rollout', 'start', '--cluster', 's', '--waves', '100%', '--json', ...options);
  const nobody = await start('--canary-selector', 'role=none');
  expect([nobody.code, nobody.stderr]).toEqual([2, expect.stringMatching(/No node matches/)]);
  const unsaid = await start('--at-most', '2');
  expect([unsaid.code, unsaid.stderr]).toEqual([2, expect.stringMatching(/--spread LABEL/)]);
  const began = await start('--canary-selector', 'role=canary', '--spread', 'zone', '--at-most', '50%');
  expect([began.code, began.stderr]).toEqual([0, '']);
  const { id } = JSON.parse(began.stdout) as { id: string };
  await eventuallyShows(id, 'running: s-4 there, s-1 moving, s-2 waiting-for-domain, s-3 moving');
  const { domains, canarySelector, nodes } = await rolloutOf(id);
  expect({ domains, canarySelector }).toEqual({
    canarySelector: 'role=canary',
    domains: [
      { name: 'zone=a', nodes: 2, atMost: 1, moving: 1, failures: 0 },
      { name: 'zone=b', nodes: 2, atMost: 1, moving: 1, failures: 0 },
    ],
  });
  expect(nodes.find(({ node }) => node === 's-2')?.notYet?.message).toBe(
    'Held: of zone=a 1 are under way, and at most 1 may be.',
  );
});

test('an emergency skips windows and approvals, is told to everybody, and asks for a second person’s word', async () => {
  await clusterOf('g', ['g-1', 'g-2']);
  await fleet().updateCluster({ name: 'g', approvals: { needed: 2, approvers: [], validSeconds: 0 } });
  await fleet().addFreeze({
    ...{ cluster: 'g', name: 'closed', selector: '', reason: 'the fair' },
    ...{ from: undefined, until: new Date(Date.now() + 86_400_000) },
  });
  const asked = { cluster: 'g', kernelBuildId: '', toSeq: 0, rules: undefined, planHash: '', reason: 'exploited' };
  const having = async (name: string, role: Role) =>
    plane.operatorWith(await plane.accessToken(name, { roles: [role] })).fleet;
  const operator = await having('olga', Role.ROLE_OPERATOR);
  await expect(operator.breakGlass(asked)).rejects.toMatchObject({ kind: 'forbidden' });
  await expect(fleet().breakGlass({ ...asked, reason: '' })).rejects.toMatchObject({ reason: 'invalid-policy' });
  const shown = await lockstep('rollout', 'plan', '--cluster', 'g', '--break-glass', '--json');
  const { hash } = JSON.parse(shown.stdout) as PlanRolloutResponse;
  await expect(fleet().startRollout({ ...ask('g'), planHash: hash })).rejects.toMatchObject({
    reason: 'emergency-plan',
  });
  const glass = ['--break-glass', '--reason', 'exploited'];
  const began = await lockstep('rollout', 'start', '--cluster', 'g', '--plan', hash, ...glass, '--json');
  expect([began.code, began.stderr]).toEqual([0, '']);
  const { id } = JSON.parse(began.stdout) as Rollout;
  await eventuallyShows(id, 'succeeded: g-1 there, g-2 there');
  const unconfirmed = async () =>
    (await fleet().getCensus({ cluster: 'g' })).clusters.flatMap((each) => each.unconfirmed.map((one) => one.id));
  expect(await unconfirmed()).toEqual([id]);
  expect((await lockstep('cluster', 'show', 'g')).stdout).toMatch(/UNCONFIRMED EMERGENCY: .*exploited/);
  await expect(fleet().confirmRollout({ id, reason: '' })).rejects.toMatchObject({ reason: 'own-emergency' });
  const anne = await having('anne', Role.ROLE_APPROVER);
  const { rollout } = await anne.confirmRollout({ id, reason: 'it was' });
  expect(rollout?.emergency).toMatchObject({
    ...{ by: 'person:local-admin', reason: 'exploited', confirmedBy: 'person:anne', confirmation: 'it was' },
  });
  await expect(anne.confirmRollout({ id, reason: '' })).rejects.toMatchObject({ reason: 'confirmed-already' });
  expect(await unconfirmed()).toEqual([]);
  await eventually(async () => {
    const types = ['rollout.break-glass', 'rollout.confirmed'];
    const { events } = await fleet().listEvents({ types, cluster: 'g', limit: 0 });
    expect(events.map(({ type }) => type).sort()).toEqual(types);
  });
  const audit = await lockstep('audit', 'ls', '--json');
  expect(audit.stdout).toMatch(/Fleet\/BreakGlass[^]*exploited/);
});
