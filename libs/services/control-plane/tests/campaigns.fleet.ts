// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import {
  CampaignStatus,
  NodeStatus,
  Role,
  RolloutStatus,
  StartCampaignRequest,
  type Campaign,
} from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { runLockstep } from '@lockstep/testing/dev-fleet';
import type { TestAgent } from './test-agent';
import { eventually, TestPlane } from './test-plane';

jest.setTimeout(300_000);

let plane: TestPlane;
const agents = new Map<string, TestAgent>();

beforeAll(async () => {
  // On a busy machine the agents take their time to come back.
  plane = await TestPlane.startProcess({ LOCKSTEP_RETURN_GRACE_SECONDS: '120' });
  await plane.work(plane.honestWorker);
  await plane.addKernel();
});
afterAll(() => plane.stop());

const fleet = () => plane.operator.fleet;
const campaigns = () => plane.operator.campaigns;
const lockstep = (...args: string[]) => runLockstep(plane.config.stateDir, args);
const campaignOf = async (id: string): Promise<Campaign> => (await campaigns().getCampaign({ id })).campaign!;
const show = ({ status, members }: Campaign): string =>
  `${CampaignStatus[status].slice('CAMPAIGN_STATUS_'.length).toLowerCase()}: ` +
  members.map(({ cluster, state, nodesThere }) => `${cluster} ${state} ${nodesThere}`).join(', ');
const eventuallyShows = (id: string, expected: string): Promise<unknown> =>
  eventually(async () => {
    expect(show(await campaignOf(id))).toBe(expected);
  }, 60_000);

/** That is noted after what it has become can be seen. */
const eventuallyEnded = (id: string): Promise<unknown> =>
  eventually(async () => {
    expect((await campaignOf(id)).endedAt).toBeDefined();
  }, 60_000);

/** A cluster of so many nodes that obey. */
async function clusterOf(name: string, ...nodes: string[]): Promise<void> {
  await fleet().createCluster({ ...switchingToWire({}), name });
  for (const node of nodes) {
    const agent = (await plane.enrol(name, node)).connect();
    agents.set(node, agent);
  }
  await eventually(async () => {
    const { nodes: known } = await fleet().listNodes({ cluster: name, selector: '' });
    expect(known.map(({ kernelBuildId, connected }) => kernelBuildId !== '' && connected)).toEqual(
      nodes.map(() => true),
    );
  }, 60_000);
}

const diff = (...functions: string[]) => Buffer.from(functions.join(' '));
const submit = (name: string, ...functions: string[]) => plane.submit({ name, diff: diff(...functions) });
const ask = (patch: string, ...clusters: string[]): StartCampaignRequest =>
  StartCampaignRequest.fromPartial({ patch, clusters });

test('one patch goes through clusters in turn by one approval, also when the control plane dies', async () => {
  await clusterOf('a', 'a-1', 'a-2');
  await clusterOf('b', 'b-1');
  for (const name of ['a', 'b']) {
    await fleet().updateCluster({ name, approvals: { needed: 1, approvers: [], validSeconds: 0 } });
  }
  await submit('fix', 'f');
  const where = ['--cluster', 'a', '--cluster', 'b', '--canaries', '1'];
  const planned = await lockstep('campaign', 'plan', 'fix', ...where);
  expect(planned.stdout).toMatch(/Plan of 2 members, 3 nodes[^]*a .* built +2 +1 \+ 1[^]*b .* built +1 +1\n/);
  const { hash } = await campaigns().planCampaign({ campaign: ask('fix', 'a', 'b') });
  await expect(campaigns().startCampaign({ ...ask('fix', 'b', 'a'), planHash: hash })).rejects.toMatchObject({
    reason: 'plan-changed',
  });
  const { campaign } = await campaigns().startCampaign({ ...ask('fix', 'a', 'b'), planHash: hash });
  const { id } = campaign!;
  await eventuallyShows(id, 'waiting: a held 0, b held 0');
  const shown = await lockstep('campaign', 'show', id);
  expect(shown.stdout).toMatch(/It needs the approval of 1[^]*lockstep campaign approve .* --plan [0-9a-f]{64}/);

  const { planHash } = await campaignOf(id);
  const word = { id, planHash, reason: '' };
  await expect(campaigns().approveCampaign(word)).rejects.toMatchObject({ reason: 'own-approval' });
  const bob = plane.operatorWith(await plane.accessToken('bob', { roles: [Role.ROLE_APPROVER] })).campaigns;
  await expect(bob.approveCampaign({ ...word, planHash: 'ab' })).rejects.toMatchObject({ reason: 'other-plan' });
  agents.get('a-1')!.obedient = false;
  await bob.approveCampaign(word);
  await eventuallyShows(id, 'running: a running 0, b held 0');
  await plane.kill();
  agents.get('a-1')!.obey();
  await plane.up();
  for (const agent of agents.values()) agent.connect();
  await eventuallyShows(id, 'succeeded: a succeeded 2, b succeeded 1');
  await eventuallyEnded(id);
  const { orders } = await campaignOf(id);
  expect(orders.map(({ kind, givenBy }) => `${kind} ${givenBy}`)).toEqual(['approve person:bob']);
  const report = await lockstep('campaign', 'report', id);
  expect(report.stdout).toMatch(/Begun by:.* person:local-admin[^]*None: every node is there/);
});

/** What a campaign has become is looked at once a second: what lasts for less may be told of no more. */
async function eventuallyTold(id: string, ...types: readonly string[]): Promise<void> {
  await eventually(async () => {
    const { events } = await fleet().listEvents({ types: ['campaign.*'], cluster: '', limit: 0 });
    const own = events.filter(({ subject }) => subject === id).map(({ type }) => type);
    expect(own.sort()).toEqual(types.map((type) => `campaign.${type}`).sort());
  }, 60_000);
}

test('paused nobody goes on, resumed all do; aborted it ends, also where a member that had halted is history', async () => {
  await clusterOf('c', 'c-1');
  await clusterOf('d', 'd-1');
  await submit('second', 'g');
  const c1 = agents.get('c-1')!;
  c1.obedient = false;
  const { campaign } = await campaigns().startCampaign(ask('second', 'c', 'd'));
  const { id } = campaign!;
  await eventuallyShows(id, 'running: c running 0, d held 0');
  await campaigns().pauseCampaign({ id, reason: 'lunch' });
  await eventuallyShows(id, 'paused: c paused 0, d held 0');
  await eventuallyTold(id, 'started', 'paused');
  await campaigns().resumeCampaign({ id, reason: '' });
  await eventuallyShows(id, 'running: c running 0, d held 0');
  await eventuallyTold(id, 'started', 'paused', 'resumed');
  const problem = { reason: 'load-failed', message: 'insmod said no' };
  Object.assign(c1, { status: NodeStatus.NODE_STATUS_FAILED, problem });
  c1.report();
  await eventuallyShows(id, 'halted: c halted 0, d held 0');
  await eventuallyTold(id, 'started', 'paused', 'resumed', 'halted');
  // Somebody begins another one there: that of the campaign can be told nothing any more.
  const other = { cluster: 'c', kernelBuildId: '', toSeq: 0, canaries: 1, waveSize: 0, rules: undefined, planHash: '' };
  await fleet().startRollout(other);
  await eventuallyShows(id, 'halted: c superseded 0, d held 0');
  await campaigns().abortCampaign({ id, reason: 'another fix' });
  await eventuallyShows(id, 'aborted: c superseded 0, d aborted 0');
  await eventuallyEnded(id);
  await eventuallyTold(id, 'started', 'paused', 'resumed', 'halted', 'aborted');
});

test('of each member all go first that labels choose, and nobody else', async () => {
  await fleet().createCluster({ ...switchingToWire({}), name: 'e' });
  for (const [node, role] of [
    ['e-1', 'web'],
    ['e-2', 'canary'],
    ['e-3', 'canary'],
  ] as const) {
    agents.set(node, (await plane.enrol('e', node)).connect({ labels: { role } }));
  }
  await submit('third', 'h');
  const asked = StartCampaignRequest.fromPartial({
    ...{ patch: 'third', clusters: ['e'], rules: { canarySelector: 'role=canary' } },
  });
  await eventually(async () => {
    const { members } = await campaigns().planCampaign({ campaign: asked });
    expect(members.map(({ waves }) => waves)).toEqual([[2, 1]]);
  }, 60_000);
  const { campaign } = await campaigns().startCampaign(asked);
  await eventuallyShows(campaign!.id, 'succeeded: e succeeded 3');
});

test('what a campaign has brought is taken back from the last cluster to the first, once, also while it is under way', async () => {
  await clusterOf('f', 'f-1');
  await clusterOf('g', 'g-1');
  await submit('fourth', 'i');
  const whole = (await campaigns().startCampaign(ask('fourth', 'f', 'g'))).campaign!.id;
  await eventuallyShows(whole, 'succeeded: f succeeded 1, g succeeded 1');
  await eventuallyEnded(whole);
  const shown = await lockstep('campaign', 'rollback', whole, '--plan');
  expect(shown).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^g\n[^]*retires fourth[^]*^f\n[^]*retires fourth/m),
  });
  expect(agents.get('f-1')!.headSeq).toBe(1);
  const undone = await lockstep('campaign', 'rollback', whole, '--wait');
  expect(undone).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^g\/[^]*takes it back[^]*^f\/[^]*takes it back/m),
  });
  for (const node of ['f-1', 'g-1']) expect(agents.get(node)!.position).toBe(2);
  const again = await lockstep('campaign', 'rollback', whole);
  expect(again).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/takes it back already[^]*takes it back already/),
  });
  expect((await fleet().getOrder({ cluster: 'f', kernelBuildId: '' })).entries).toHaveLength(2);

  // Whoever may not order in each of its clusters takes nothing back; what was done is written down as what it was.
  const eve = plane.operatorWith(await plane.accessToken('eve', { roles: [Role.ROLE_APPROVER] })).campaigns;
  const asked = { id: whole, reason: '', supersede: false, cluster: '', kernelBuildId: '' };
  await expect(eve.rollBackCampaign(asked)).rejects.toMatchObject({ kind: 'forbidden' });
  const { members } = await campaigns().rollBackCampaign({ ...asked, cluster: 'f' });
  expect(members).toMatchObject([{ cluster: 'f', outcome: 'there', rolloutId: expect.stringMatching(/./) }]);
  const audit = await lockstep('audit', 'ls', '--json');
  expect(audit.stdout.match(/RollBackRollout"/g)).toHaveLength(2);

  // Nobody of what waits for its turn begins while the others are taken back.
  await submit('fifth', 'k');
  agents.get('f-1')!.obedient = false;
  const half = (await campaigns().startCampaign(ask('fifth', 'f', 'g'))).campaign!.id;
  await eventuallyShows(half, 'running: f running 0, g held 0');
  await eventually(() => {
    expect(agents.get('f-1')!.target).toBe(3);
  });
  agents.get('f-1')!.obey();
  expect(await lockstep('campaign', 'rollback', half, '--reason', 'too slow')).toMatchObject({ code: 0 });
  const { status, orders } = await campaignOf(half);
  expect([CampaignStatus[status], orders.map(({ kind, reason }) => `${kind} ${reason}`)]).toEqual([
    'CAMPAIGN_STATUS_ABORTED',
    ['abort too slow'],
  ]);
  for (const cluster of ['f', 'g']) {
    await eventually(async () => {
      const { rollouts } = await fleet().listRollouts({ cluster });
      expect(rollouts[0]).toMatchObject({ toSeq: 4, status: RolloutStatus.ROLLOUT_STATUS_SUCCEEDED });
    }, 60_000);
  }
});
