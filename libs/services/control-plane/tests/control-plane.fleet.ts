// SPDX-License-Identifier: GPL-2.0-only
import { rm, truncate } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { BuildStatus, NodeStatus, Priority, RolloutStatus, type Rollout } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { parseSha256 } from '@lockstep/domain/livepatch-model';
import { createCertificateRequest, openCertificateAuthority, readCertificateRequest } from '@lockstep/io/certificates';
import { connectOperator, enrol } from '@lockstep/io/rpc-client';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import { pino } from 'pino';
import { createControlPlane } from '../index';
import { kernelBuild, type TestAgent } from './test-agent';
import { collect, eventually, TestPlane } from './test-plane';

jest.setTimeout(180_000);

let plane: TestPlane;
beforeAll(async () => {
  plane = await TestPlane.start();
  await plane.work(plane.honestWorker);
  await plane.addKernel();
});
afterAll(() => plane.stop());

const newCluster = async (name: string): Promise<string> =>
  (await plane.operator.fleet.createCluster({ ...switchingToWire({}), name })).cluster!.name;

describe('who may speak', () => {
  test('operators with the token, and nobody else', async () => {
    for (const token of ['', 'wrong']) {
      const stranger = connectOperator({ address: plane.endpoint.operatorAddress, ca: plane.ca, token });
      await expect(stranger.fleet.listClusters({})).rejects.toMatchObject({ kind: 'unauthenticated' });
      stranger.close();
    }
    await expect(plane.operator.fleet.listClusters({})).resolves.toBeDefined();
  });

  test('a machine with its token once; again only with the same key', async () => {
    const cluster = await newCluster('joining');
    const joinToken = await plane.joinToken(cluster, 'j1');
    const address = plane.endpoint.operatorAddress;
    const { requestPem, privateKeyPem } = await createCertificateRequest();
    const first = await enrol({ address, joinToken, certificateRequest: requestPem });
    expect(first).toMatchObject({ cluster, node: 'j1' });
    const again = await createCertificateRequest(privateKeyPem);
    expect(await enrol({ address, joinToken, certificateRequest: again.requestPem })).toEqual(first);
    const other = await createCertificateRequest();
    const [, , pin] = joinToken.split('.');
    const madeUp = {
      address,
      joinToken: `lsjoin1.${'A'.repeat(43)}.${pin}`,
      certificateRequest: 'A'.repeat(2_000_000),
    };
    await expect(enrol(madeUp)).rejects.toMatchObject({ reason: 'join-token-refused' });
    const stolen = enrol({ address, joinToken, certificateRequest: other.requestPem });
    await expect(stolen).rejects.toMatchObject({ kind: 'unauthenticated', reason: 'join-token-refused' });
  });

  test('a node by its certificate: not another CA’s, not a superseded one, not one for an unknown name', async () => {
    const cluster = await newCluster('certified');
    const old = await plane.enrol(cluster, 'c1');
    const current = await plane.enrol(cluster, 'c1');
    current.connect();
    await eventually(async () => {
      expect((await plane.operator.fleet.getNode({ name: 'c1' })).node?.connected).toBe(true);
    });
    expect(await old.connect().ended).toMatchObject({ kind: 'forbidden', reason: 'certificate-superseded' });

    const key = await createCertificateRequest();
    const proven = readCertificateRequest(key.requestPem);
    const ours = await openCertificateAuthority({
      dir: path.join(plane.config.stateDir, 'pki'),
      names: ['localhost', '127.0.0.1', '::1'],
      mayMakeKeys: false,
    });
    const stranger = plane.agent(ours.issueNodeCertificate(proven, parseNodeName('nobody')), key.privateKeyPem);
    expect(await stranger.connect().ended).toMatchObject({ kind: 'forbidden', reason: 'unknown-node' });

    const theirs = await openCertificateAuthority({
      dir: path.join(plane.folder.path, 'other-pki'),
      names: ['localhost'],
      mayMakeKeys: true,
    });
    const forged = plane.agent(theirs.issueNodeCertificate(proven, parseNodeName('c1')), key.privateKeyPem);
    expect(await forged.connect().ended).toMatchObject({ reason: 'certificate-of-other-ca' });
    current.disconnect();
  });
});

describe('kernel builds and patches', () => {
  test('a kernel is registered by a worker; patches are built for it and known by content', async () => {
    expect(await plane.addKernel()).toEqual(expect.arrayContaining(['progress', kernelBuild]));
    const id = await plane.build('content', 'fn_content');
    const { build } = await plane.operator.build.getBuild({ id });
    expect(build).toMatchObject({ status: BuildStatus.BUILD_STATUS_SUCCEEDED, patchName: 'content', attempts: 1 });
    expect(build?.artifact?.functions).toEqual([{ object: 'vmlinux', name: 'fn_content', sympos: 0 }]);
    await eventually(async () => {
      expect(await plane.jobState(`build.${id}.1`)).toBe('absent');
    });
    expect(await plane.build('content', 'fn_content')).toBe(id);
    await expect(plane.build('content', 'fn_other')).rejects.toMatchObject({ reason: 'patch-name-taken' });
    await expect(plane.build('empty', '')).rejects.toMatchObject({ kind: 'invalid-input', reason: 'empty-diff' });
    const { patch, diff } = await plane.operator.build.getPatch({ patch: 'content' });
    expect([patch?.name, Buffer.from(diff).toString()]).toEqual(['content', 'fn_content']);
    await expect(plane.operator.build.getPatch({ patch: 'nothing' })).rejects.toMatchObject({
      reason: 'unknown-patch',
    });
  });

  test('a worker’s word is not taken for what its file is', async () => {
    await plane.stopWorkers();
    await plane.work(async (job, context) => {
      const result = await plane.honestWorker(job, context);
      if (result.kind !== 'build' || job.kind !== 'build') return result;
      const { artifact } = result;
      if (job.patchName === 'lie-size') return { ...result, artifact: { ...artifact, sizeBytes: 1 } };
      if (job.patchName === 'lie-file') {
        return { ...result, artifact: { ...artifact, sha256: parseSha256('00'.repeat(32)) } };
      }
      if (job.patchName === 'lie-functions') {
        const functions = [{ object: 'vmlinux', name: 'something_else', sympos: 0 }];
        return { ...result, artifact: { ...artifact, functions } };
      }
      return { ...result, artifact: { ...artifact, patch: parseSha256('11'.repeat(32)) as never } };
    });
    const reasonOf = async (name: string) =>
      (await plane.operator.build.getBuild({ id: await plane.build(name, `fn_${name}`) })).build?.failure?.reason;
    expect(await reasonOf('lie-size')).toBe('artifact-damaged');
    expect(await reasonOf('lie-file')).toBe('artifact-missing');
    expect(await reasonOf('lie-patch')).toBe('wrong-result');
    expect(await reasonOf('lie-functions')).toBe('module-differs');
    await plane.stopWorkers();
    await plane.work(plane.honestWorker);
    // What was not the patch's fault is built again when it is asked for again.
    expect(
      (await plane.operator.build.getBuild({ id: await plane.build('lie-size', 'fn_lie-size') })).build?.status,
    ).toBe(BuildStatus.BUILD_STATUS_SUCCEEDED);
  });

  test('a module that was damaged after it was built is not signed', async () => {
    const cluster = await newCluster('damaged');
    const id = await plane.build('damaged', 'fn_damaged');
    const sha256 = (await plane.operator.build.getBuild({ id })).build!.artifact!.sha256;
    await truncate(path.join(plane.config.artifactDir, sha256.slice(0, 2), `${sha256}.ko`), 3);
    await expect(plane.append(cluster, 'damaged')).rejects.toMatchObject({
      kind: 'corrupt',
      reason: 'artifact-damaged',
    });
    await rm(path.join(plane.config.artifactDir, sha256.slice(0, 2), `${sha256}.ko`));
    await expect(plane.append(cluster, 'damaged')).rejects.toMatchObject({ reason: 'artifact-missing' });
    expect((await plane.operator.fleet.getOrder({ cluster, kernelBuildId: '' })).entries).toEqual([]);
    expect(await plane.build('damaged', 'fn_damaged')).toBe(id);
    expect(await plane.append(cluster, 'damaged')).toBe(1);
  });
});

describe('builds, followed and led', () => {
  test('lines of the workers reach who watches, and stay when the build has ended', async () => {
    await plane.stopWorkers();
    // It is cut in the middle of a character.
    const longLine = `${'e'.repeat(1999)}\u{1f6e0}`;
    await plane.work(async (job, context) => {
      context.log('begins');
      context.log(longLine);
      context.onProgress({ stage: 'compile', done: 1, total: 2 });
      return plane.honestWorker(job, context);
    });
    const id = await plane.build('told', 'fn_told');
    const { build, logLines } = await plane.operator.build.getBuild({ id });
    expect(build?.status).toBe(BuildStatus.BUILD_STATUS_SUCCEEDED);
    const told = ['begins', `${longLine.slice(0, 1999)}\ufffd`];
    expect(logLines.map(({ text }) => text)).toEqual(told);
    const seen: string[] = [];
    for await (const { logLines: lines } of plane.operator.build.watchBuild({ id, fromLine: 0 })) {
      seen.push(...lines.map(({ text }) => text));
    }
    expect(seen).toEqual(told);
    const { builds } = await plane.operator.build.explainPatch({ patch: 'told', kernelBuildId: '' });
    expect(builds[0]?.functions).toMatchObject([{ objectPath: 'fs/test.o', reasons: ['it is named'] }]);
  });

  test('a cancelled build leaves its worker to others; submitted again it is built', async () => {
    await plane.stopWorkers();
    let isHeld = true;
    await plane.work(async (job, context) => {
      if (job.kind === 'build' && job.patchName === 'unwanted' && isHeld) {
        context.onProgress({ stage: 'compile', done: 0, total: 1 });
        await new Promise((_, reject) => {
          context.signal.addEventListener('abort', () => {
            reject(new Error('aborted'));
          });
        });
      }
      return plane.honestWorker(job, context);
    });
    const ended = plane.build('unwanted', 'fn_unwanted');
    let id: string | undefined;
    await eventually(async () => {
      const { builds } = await plane.operator.build.listBuilds({});
      id = builds.find(({ status }) => status === BuildStatus.BUILD_STATUS_RUNNING)?.id;
      expect(id).toBeDefined();
    });
    const { build } = await plane.operator.build.cancelBuild({ id: id! });
    expect(build?.status).toBe(BuildStatus.BUILD_STATUS_CANCELLED);
    expect(await ended).toBe(id);
    // The same again is what it was; one that has ended otherwise cannot be cancelled.
    expect((await plane.operator.build.cancelBuild({ id: id! })).build?.status).toBe(build?.status);
    isHeld = false;
    expect(await plane.build('unwanted', 'fn_unwanted')).toBe(id);
    await expect(plane.operator.build.cancelBuild({ id: id! })).rejects.toMatchObject({ reason: 'build-ended' });
    const again = await plane.operator.build.getBuild({ id: id! });
    expect(again.build?.status).toBe(BuildStatus.BUILD_STATUS_SUCCEEDED);
  });
});

describe('stacked and combined patches', () => {
  let cluster: string;
  const order = async () => plane.operator.fleet.getOrder({ cluster, kernelBuildId: '' });

  beforeAll(async () => {
    cluster = await newCluster('stacking');
    await plane.build('below', 'a', 'b');
    await plane.build('above', 'a', 'd');
    expect(await plane.append(cluster, 'below')).toBe(1);
  });

  test('what is built onto the stack contains it: no override is needed, and what is below stays', async () => {
    await expect(plane.append(cluster, 'above')).rejects.toMatchObject({ reason: 'unforced-conflict' });
    const onto = { cluster, kernelBuildId: '', seq: 1 };
    const diff = Buffer.from('a d');
    const id = await plane.submit({ name: 'above', diff, onto });
    expect((await plane.operator.build.getBuild({ id })).build).toMatchObject({ builtOnto: ['below'] });
    const check = await plane.operator.fleet.checkConflicts({
      cluster,
      patch: 'above',
      kernelBuildId: '',
      buildId: '',
    });
    expect(check).toMatchObject({ buildId: id, builtOnto: [1], torn: [], waysOut: [] });
    expect(check.conflicts).toMatchObject([{ function: { name: 'a' }, ownerPatchName: 'below', contained: true }]);
    expect(await plane.append(cluster, 'above')).toBe(2);
    const [, entry] = (await order()).entries;
    expect(entry?.body).toMatchObject({ $case: 'load', value: { overrides: [1], builtOnto: [1] } });
    const retire = { cluster, kernelBuildId: '', expectedSeq: 0 };
    await expect(plane.operator.fleet.appendRetire({ ...retire, seq: 1 })).rejects.toMatchObject({
      reason: 'built-upon',
    });
    await expect(plane.submit({ name: 'x', diff, onto: { ...onto, seq: 9 } })).rejects.toMatchObject({
      reason: 'nothing-to-build-onto',
    });
  });

  test('types that an author vouches for belong to the patch, and the reason with them', async () => {
    const vouched = { name: 'vouched', diff: Buffer.from('v'), description: 'one' };
    const allowedTypeChanges = { types: ['struct held'], because: 'nobody holds one' };
    const half = { ...allowedTypeChanges, because: ' ' };
    await expect(plane.submit({ ...vouched, allowedTypeChanges: half })).rejects.toMatchObject({
      reason: 'no-reason-given',
    });
    await plane.submit({ ...vouched, allowedTypeChanges });
    const { patch } = await plane.operator.build.getPatch({ patch: 'vouched' });
    expect(patch?.allowedTypeChanges).toEqual(allowedTypeChanges);
    // Another patch than the same diff without that word.
    await expect(plane.submit(vouched)).rejects.toMatchObject({ reason: 'patch-name-taken' });
  });

  test('so does what --fuzz lets in, and there is a limit to it', async () => {
    const stale = { name: 'stale', diff: Buffer.from('s'), description: 'one' };
    await expect(plane.submit({ ...stale, fuzz: 4 })).rejects.toMatchObject({ reason: 'too-much-fuzz' });
    await plane.submit({ ...stale, fuzz: 1 });
    expect((await plane.operator.build.getPatch({ patch: 'stale' })).patch?.fuzz).toBe(1);
    await expect(plane.submit(stale)).rejects.toMatchObject({ reason: 'patch-name-taken' });
  });

  test('a combined patch takes the place of what it contains, and of nothing else unless that is named', async () => {
    await plane.build('other', 'z');
    expect(await plane.append(cluster, 'other')).toBe(3);
    const combine = {
      ...{ name: 'both', patches: ['below', 'above'], description: '', author: '' },
      ...{ kernelBuildIds: [], priority: Priority.PRIORITY_UNSPECIFIED, reproduce: false },
    };
    const { builds, patch } = await plane.operator.build.combinePatches(combine);
    expect(patch?.combines).toEqual(['below', 'above']);
    await plane.ended(builds[0]!.id);
    const check = await plane.operator.fleet.checkConflicts({ cluster, patch: 'both', kernelBuildId: '', buildId: '' });
    expect(check.dropped).toMatchObject([{ seq: 3, patchName: 'other' }]);
    await expect(plane.append(cluster, 'both')).rejects.toMatchObject({ reason: 'unforced-replace' });
    expect(await plane.append(cluster, 'both', 'other')).toBe(4);
    const { stack, entries } = await order();
    expect(stack).toEqual([4]);
    expect(entries[3]?.body).toMatchObject({ value: { overrides: [3], builtOnto: [1, 2] } });
    await expect(
      plane.operator.build.combinePatches({ ...combine, name: 'one', patches: ['below'] }),
    ).rejects.toMatchObject({ reason: 'too-few-patches' });
  });
});

describe('load order and rollouts', () => {
  let cluster: string;
  let agents: TestAgent[];
  const names = ['r1', 'r2', 'r3'];

  beforeAll(async () => {
    cluster = await newCluster('rolling');
    await plane.build('fix-a', 'a', 'b', 'c');
    await plane.build('fix-b', 'a', 'd');
    await plane.build('fix-c', 'e');
    agents = [];
    for (const name of names) agents.push((await plane.enrol(cluster, name)).connect());
  });
  afterAll(() => {
    for (const agent of agents) agent.disconnect();
  });

  const rollOut = async (toSeq = 0): Promise<string> =>
    (
      await plane.operator.fleet.startRollout({
        cluster,
        kernelBuildId: '',
        toSeq,
        canaries: 1,
        waveSize: 0,
        rules: undefined,
        planHash: '',
      })
    ).rollout!.id;

  async function follow(id: string): Promise<Rollout> {
    let last: Rollout | undefined;
    for await (const { rollout } of plane.operator.fleet.watchRollout({ id })) last = rollout;
    return last!;
  }

  test('entries reach every connected node in order, and a rollout moves the canary first', async () => {
    expect(await plane.append(cluster, 'fix-a')).toBe(1);
    await eventually(() => {
      expect(agents.map(({ seqs }) => seqs)).toEqual([[1], [1], [1]]);
    });
    for (const agent of agents) agent.obedient = false;
    const id = await rollOut();
    await eventually(() => {
      expect(agents.map(({ target }) => target)).toEqual([1, 0, 0]);
    });
    for (const agent of agents) agent.obey();
    expect((await follow(id)).status).toBe(RolloutStatus.ROLLOUT_STATUS_SUCCEEDED);
    expect(agents.map(({ position }) => position)).toEqual([1, 1, 1]);
  });

  test('an unforced conflict is refused by function and owner; named, it is appended and tells who is torn', async () => {
    const request = { cluster, patch: 'fix-b', kernelBuildId: '', buildId: '' };
    const check = await plane.operator.fleet.checkConflicts(request);
    expect(check.conflicts).toMatchObject([{ function: { name: 'a' }, ownerSeq: 1, ownerPatchName: 'fix-a' }]);
    expect(check.waysOut.map(({ kind }) => kind)).toEqual(['stack', 'override', 'combine']);
    expect(check.torn).toMatchObject([{ seq: 1, patchName: 'fix-a', shadowed: [{ name: 'a' }] }]);
    const refused = plane.append(cluster, 'fix-b');
    await expect(refused).rejects.toMatchObject({
      kind: 'refused',
      reason: 'unforced-conflict',
      fields: { functions: ['vmlinux:a'] },
    });
    await expect(plane.append(cluster, 'fix-b', 'fix-z')).rejects.toMatchObject({ reason: 'unknown-override' });
    // Digits are a seq, and so no patch has such a name.
    await expect(plane.append(cluster, 'fix-b', '2')).rejects.toMatchObject({ reason: 'unknown-override' });
    await expect(plane.build('1', 'z')).rejects.toMatchObject({ reason: 'invalid-name' });
    expect(await plane.append(cluster, 'fix-b', '#1')).toBe(2);
    const order = await plane.operator.fleet.getOrder({ cluster, kernelBuildId: '' });
    expect(order.stack).toEqual([1, 2]);
    expect(order.sharedFunctions).toMatchObject([{ function: { name: 'a' }, owners: [2, 1] }]);
  });

  test('a node that was away is brought there when it returns; a restart of the control plane changes nothing', async () => {
    agents[2]!.disconnect();
    await agents[2]!.ended;
    const id = await rollOut();
    await eventually(() => {
      expect(agents.map(({ position }) => position)).toEqual([2, 2, 1]);
    });
    await plane.restart();
    await Promise.all(agents.map(({ ended }) => ended));
    for (const agent of agents) agent.connect();
    expect((await follow(id)).status).toBe(RolloutStatus.ROLLOUT_STATUS_SUCCEEDED);
    expect(agents.map(({ seqs, position }) => [seqs, position])).toEqual(names.map(() => [[1, 2], 2]));
  });

  test('a node that fails halts the rollout; nobody after it is sent', async () => {
    await plane.append(cluster, 'fix-c');
    agents[0]!.obedient = false;
    const id = await rollOut();
    await eventually(() => {
      expect(agents[0]!.target).toBe(3);
    });
    const problem = { reason: 'transition-stuck', message: 'task 42 sleeps in c' };
    agents[0]!.status = NodeStatus.NODE_STATUS_FAILED;
    agents[0]!.report({ problem });
    const rollout = await follow(id);
    expect(rollout.status).toBe(RolloutStatus.ROLLOUT_STATUS_HALTED);
    expect(rollout.nodes[0]?.notYet).toMatchObject({ reason: 'failed', message: 'Failed: task 42 sleeps in c' });
    expect(agents.map(({ target }) => target)).toEqual([3, 2, 2]);
    agents[0]!.status = NodeStatus.NODE_STATUS_IN_STEP;
    agents[0]!.position = 3;
    agents[0]!.report();
    await eventually(async () => {
      expect((await plane.operator.fleet.getNode({ name: 'r1' })).node?.report?.position).toBe(3);
    });
    expect((await follow(await rollOut())).status).toBe(RolloutStatus.ROLLOUT_STATUS_SUCCEEDED);
    const behind = rollOut(2);
    await expect(behind).rejects.toMatchObject({ kind: 'refused', reason: 'behind-target' });
    await expect(rollOut(9)).rejects.toMatchObject({ reason: 'beyond-head' });
  });

  test('a node that knows another history, or more of it than we, is turned away and shown as forked', async () => {
    const lost = await plane.enrol(cluster, 'r9');
    for (const hello of [
      { headSeq: 9, headHash: 'ff'.repeat(32) },
      { headSeq: 1, headHash: 'ff'.repeat(32) },
      { headSeq: 0, headHash: 'ff'.repeat(32) },
    ]) {
      lost.rejection = undefined;
      lost.connect(hello);
      await lost.ended;
      expect(lost.rejection).toBe('fork');
      expect(lost.seqs).toEqual([]);
    }
    const { node } = await plane.operator.fleet.getNode({ name: 'r9' });
    expect(node).toMatchObject({ connected: false, report: { status: NodeStatus.NODE_STATUS_FORKED } });
  });

  test('the newest stream of a node is the one that counts', async () => {
    const before = agents[1]!.ended;
    agents[1]!.connect();
    expect(await before).toMatchObject({ reason: 'replaced' });
    await eventually(async () => {
      expect((await plane.operator.fleet.getNode({ name: 'r2' })).node?.connected).toBe(true);
    });
  });

  test('modules are downloaded by nodes, from any offset; what is unknown is told', async () => {
    const { entries } = await plane.operator.fleet.getOrder({ cluster, kernelBuildId: '' });
    const body = entries[0]!.body;
    const sha256 = parseSha256(body?.$case === 'load' ? body.value.artifact!.sha256 : '');
    const { client } = agents[0]!;
    const whole = await collect(client.downloadArtifact(sha256, 0));
    expect(sha256OfBytes(whole)).toBe(sha256);
    expect((await collect(client.downloadArtifact(sha256, 15))).equals(whole.subarray(15))).toBe(true);
    await expect(collect(client.downloadArtifact(sha256, whole.length + 1))).rejects.toMatchObject({
      reason: 'offset-past-end',
    });
    const elsewhere = (await plane.enrol(await newCluster('elsewhere'), 'e1')).client;
    for (const asked of [
      client.downloadArtifact(parseSha256('00'.repeat(32)), 0),
      elsewhere.downloadArtifact(sha256, 0),
    ]) {
      await expect(collect(asked)).rejects.toMatchObject({ kind: 'not-found', reason: 'unknown-artifact' });
    }
  });

  test('a retired entry leaves the stack and positions still grow', async () => {
    const request = { cluster, kernelBuildId: '', seq: 2, expectedSeq: 4 };
    const { entry } = await plane.operator.fleet.appendRetire(request);
    expect(entry).toMatchObject({ seq: 4, body: { $case: 'retire', value: { retires: 2 } } });
    await expect(plane.operator.fleet.appendRetire(request)).rejects.toMatchObject({ reason: 'seq-taken' });
    const again = plane.operator.fleet.appendRetire({ ...request, expectedSeq: 0 });
    await expect(again).rejects.toMatchObject({ reason: 'not-in-stack' });
    expect((await plane.operator.fleet.getOrder({ cluster, kernelBuildId: '' })).stack).toEqual([1, 3]);
  });
});

test('a text that no database keeps is refused in words', async () => {
  await expect(plane.submit({ name: 'odd', diff: Buffer.from('f'), description: 'a\0b' })).rejects.toMatchObject({
    ...{ kind: 'invalid-input', reason: 'text-not-storable' },
  });
});

test('names that are wrong or unknown are told as such', async () => {
  const { fleet } = plane.operator;
  await expect(fleet.createCluster({ ...switchingToWire({}), name: 'Not A Name' })).rejects.toMatchObject({
    reason: 'invalid-name',
  });
  await expect(fleet.getNode({ name: 'nobody' })).rejects.toMatchObject({ kind: 'not-found', reason: 'unknown-node' });
  await expect(fleet.listNodes({ cluster: 'nowhere', selector: '', withoutCve: '' })).rejects.toMatchObject({
    reason: 'unknown-cluster',
  });
  const watch = fleet.watchRollout({ id: 'nonsense' });
  await expect(collect(watch as never)).rejects.toMatchObject({ reason: 'unknown-rollout' });
  const order = fleet.getOrder({ cluster: 'rolling', kernelBuildId: 'cd'.repeat(20) });
  await expect(order).rejects.toMatchObject({ reason: 'unknown-kernel-build' });
});

test('a second control plane on the same database is refused and leaves the first alone', async () => {
  const second = createControlPlane(plane.config, { log: pino({ level: 'silent' }), onFatal: () => undefined });
  await expect(second.start()).rejects.toMatchObject({ kind: 'refused', reason: 'already-running' });
  await expect(plane.operator.fleet.listClusters({})).resolves.toBeDefined();
});
