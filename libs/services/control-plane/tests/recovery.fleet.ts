// SPDX-License-Identifier: GPL-2.0-only
import { readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { LogEntry as WireEntry, Node } from '@lockstep/contracts/generated';
import { entryFromWire, entryToWire, nodeStatusFromWire, switchingToWire } from '@lockstep/contracts/wire';
import {
  encodeEntry,
  extendLog,
  headHash,
  proposeEntry,
  type EntryBody,
  type EntrySignature,
  type LogEntry,
} from '@lockstep/domain/load-order';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { createLogSigner, logChecksOf, type LogSigner } from '@lockstep/io/certificates';
import { connectOperator } from '@lockstep/io/rpc-client';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { openShakyLink } from '@lockstep/testing/local-servers';
import type { TestAgent } from './test-agent';
import { eventually, TestPlane } from './test-plane';

// Nodes that know more of a load order than the control plane: what proves to be its own can be had back, nothing else.

let plane: TestPlane;
let signer: LogSigner;
let clusters = 0;
let cluster: string;
/** The log as the control plane has it: one entry. */
let known: LogEntry[];
let agents: TestAgent[] = [];

beforeAll(async () => {
  plane = await TestPlane.start();
  await plane.work(plane.honestWorker);
  await plane.addKernel();
  await plane.build('first', 'a');
  signer = createLogSigner(await readFile(path.join(plane.config.stateDir, 'pki/log-signing.key'), 'utf8'));
});
afterAll(() => plane.stop());

beforeEach(async () => {
  for (const agent of agents) agent.disconnect();
  agents = [];
  clusters += 1;
  cluster = `lost-${clusters}`;
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: cluster });
  await plane.append(cluster, 'first');
  known = (await order()).map(entryFromWire);
});

const order = async (): Promise<WireEntry[]> =>
  (await plane.operator.fleet.getOrder({ cluster, kernelBuildId: '' })).entries;

const recover = (...from: string[]) => plane.operator.fleet.recoverOrder({ cluster, kernelBuildId: '', from });

/** The log continued by an entry that loads one more module, signed as it should be. */
function continued(
  log: readonly LogEntry[],
  module: string,
  sign: LogSigner['sign'] = (hash) => signer.sign(hash),
): LogEntry[] {
  const { body } = known[0]!;
  if (body.kind !== 'load') throw new Error('the first entry loads');
  const functions = [{ object: 'vmlinux', name: `f_${module}`, sympos: 0 }];
  const sha256 = sha256OfBytes(Buffer.from(module));
  const own = { moduleName: parseModuleName(module), functions, sha256, patch: parsePatchId(sha256) };
  const next: EntryBody = { ...body, artifact: { ...body.artifact, ...own } };
  const unsigned = proposeEntry(known[0]!, log, next);
  const hash = sha256OfBytes(encodeEntry(unsigned));
  return [...log, { ...unsigned, hash, signature: sign(hash) }];
}

async function connect(name: string, log: readonly LogEntry[], head = headHash(log)): Promise<TestAgent> {
  const agent = await plane.enrol(cluster, `${cluster}-${name}`);
  agents.push(agent);
  agent.entries = log.map(entryToWire);
  agent.headSeq = log.length;
  agent.headHash = head;
  return agent.connect();
}

const nodeOf = async (name: string): Promise<Node> =>
  (await plane.operator.fleet.getNode({ name: `${cluster}-${name}` })).node!;

const untilStatus = (name: string, status: string): Promise<void> =>
  eventually(async () => {
    const { report } = await nodeOf(name);
    expect(report && nodeStatusFromWire(report.status)).toBe(status);
  });

/** A report outlives the stream that it came by. */
const untilConnected = (name: string, connected: boolean): Promise<void> =>
  eventually(async () => {
    expect(await nodeOf(name)).toMatchObject({ connected });
  });

test('what one holds comes back, is what the others go on with, and is appended to', async () => {
  const whole = continued(continued(known, 'second'), 'third');
  const behind = await connect('behind', known);
  await connect('most', whole);
  await connect('less', whole.slice(0, 2));
  await untilStatus('most', 'ahead');
  await untilStatus('less', 'ahead');
  expect(await nodeOf('most')).toMatchObject({
    connected: true,
    report: { headSeq: 3, problem: { reason: 'ahead', message: expect.stringContaining('lockstep order recover') } },
  });
  await plane.build('fourth', 'd');
  await expect(plane.append(cluster, 'fourth')).rejects.toMatchObject({ kind: 'refused', reason: 'members-ahead' });
  const answer = await recover();
  expect(answer.entries.map(({ hash }) => hash)).toEqual(whole.slice(1).map(({ hash }) => hash));
  expect(answer.nodes).toEqual([`${cluster}-less`, `${cluster}-most`]);
  // Nobody has their files or their diffs: the answer says what to submit again.
  expect(answer.lost).toMatchObject([
    { seq: 2, module: true, diff: true },
    { seq: 3, module: true, diff: true },
  ]);
  expect((await order()).map(entryFromWire)).toEqual(whole);
  await eventually(() => {
    expect(behind.headSeq).toBe(3);
  });
  for (const agent of agents.slice(1)) expect(await agent.ended).toMatchObject({ reason: 'recovered' });
  for (const agent of agents.slice(1)) agent.connect();
  await untilStatus('most', 'in-step');
  await untilStatus('less', 'in-step');
  expect(await plane.append(cluster, 'fourth')).toBe(4);
  await eventually(() => {
    expect(agents.map(({ headSeq }) => headSeq)).toEqual([4, 4, 4]);
  });
  await expect(recover()).rejects.toMatchObject({ reason: 'nobody-ahead' });
});

test('two histories, both rightly signed, are shown and neither is taken; who is to be followed is for people', async () => {
  const [one, other] = [continued(known, 'one'), continued(continued(known, 'other'), 'more')];
  await connect('a', one);
  await connect('b', other);
  await untilStatus('a', 'ahead');
  await untilStatus('b', 'ahead');
  await expect(recover()).rejects.toMatchObject({
    ...{ kind: 'refused', reason: 'histories-disagree', fields: { seq: 2 } },
    message: expect.stringMatching(/different entries #2.* by .*-a; .* by .*-b.*--from/) as unknown,
  });
  expect(await order()).toHaveLength(1);
  await expect(recover(`${cluster}-c`)).rejects.toMatchObject({ reason: 'nobody-ahead' });
  expect((await recover(`${cluster}-b`)).entries).toHaveLength(2);
  for (const agent of agents) await agent.ended;
  for (const agent of agents) agent.connect();
  await untilStatus('a', 'forked');
  await untilStatus('b', 'in-step');
});

const stranger = 'c2lnbmVkIGJ5IHNvbWVib2R5IGVsc2U=' as EntrySignature;

test.each([
  ['that another key signed', () => continued(known, 'x', () => stranger), undefined],
  ['that do not follow ours', () => [known[0]!, continued(continued(known, 'x'), 'y')[2]!], undefined],
  ['that do not end where it says', () => continued(known, 'x'), 'ee'.repeat(32)],
  ['that it does not tell', () => known, 'ee'.repeat(32)],
])('a node that names entries %s is forked, and nothing can be had from it', async (what, log, head) => {
  const agent = await connect('liar', []);
  agent.disconnect();
  await agent.ended;
  agent.entries = log().map(entryToWire);
  agent.headSeq = what === 'that it does not tell' ? 9 : log().at(-1)!.seq;
  agent.headHash = head ?? log().at(-1)!.hash;
  agent.connect();
  await agent.ended;
  expect(agent.rejection).toBe('fork');
  await untilStatus('liar', 'forked');
  expect(await nodeOf('liar')).toMatchObject({ connected: false });
  await expect(recover()).rejects.toMatchObject({ reason: 'nobody-ahead' });
  expect(await order()).toHaveLength(1);
  await plane.build('fifth', 'e');
  expect(await plane.append(cluster, 'fifth')).toBe(2);
});

test('a new log key is walked to by every agent that can read it, and what a restore lost of it comes back', async () => {
  const { fleet } = plane.operator;
  const agent = await connect('old', known);
  await untilStatus('old', 'in-step');
  await expect(fleet.rotateLogKey({ cluster })).rejects.toMatchObject({
    ...{ kind: 'refused', reason: 'members-cannot-read', fields: { nodes: [`${cluster}-old`] } },
  });
  agent.disconnect();
  await untilConnected('old', false);
  agent.connect({ entryVersions: [1, 2, 3, 4, 5] });
  await untilConnected('old', true);
  const { entries: brought, publicKey } = await fleet.rotateLogKey({ cluster });
  expect(brought).toMatchObject([{ seq: 2, body: { $case: 'rotate', value: { publicKey } } }]);
  await eventually(() => {
    expect(agent.headSeq).toBe(2);
  });
  const { logPublicKey } = await fleet.getOrder({ cluster, kernelBuildId: '' });
  expect(logPublicKey).toBe(signer.publicKeyPem);
  await plane.build('later', 'f');
  expect(await plane.append(cluster, 'later')).toBe(3);
  const log = { cluster: known[0]!.cluster, kernelBuild: known[0]!.kernelBuild };
  const checks = logChecksOf(logPublicKey);
  const whole = (await order()).map(entryFromWire);
  expect(extendLog(log, [], whole, checks)).toMatchObject({ kind: 'extended', added: 3 });
  // The new key is a file of its own; where it is not, nothing is begun.
  const file = path.join(plane.config.stateDir, 'pki/log-keys', `${sha256OfBytes(Buffer.from(publicKey))}.key`);
  await plane.down();
  await rename(file, `${file}.away`);
  await expect(plane.up()).rejects.toMatchObject({
    ...{ reason: 'pki-not-of-this-database', message: expect.stringContaining(file) as unknown },
  });
  await rename(`${file}.away`, file);
  await plane.up();
  // Another cluster's keys are its own.
  const elsewhere = `${cluster}-beside`;
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: elsewhere });
  await plane.append(elsewhere, 'first');
  const beside = (await plane.operator.fleet.getOrder({ cluster: elsewhere, kernelBuildId: '' })).entries;
  expect(beside.map(({ seq, body }) => [seq, body?.$case])).toEqual([[1, 'load']]);
  // What a node holds that is signed with the new key is recovered like any other entry.
  const newer = createLogSigner(await readFile(file, 'utf8'));
  const most = continued(whole, 'most', (hash) => newer.sign(hash));
  await connect('most', most);
  await untilStatus('most', 'ahead');
  expect((await recover()).entries.map(entryFromWire)).toEqual(most.slice(3));
});

test('whoever asks again because the answer was lost is answered what came back', async () => {
  const whole = continued(known, 'second');
  await connect('most', whole);
  await untilStatus('most', 'ahead');
  const link = await openShakyLink(plane.endpoint.operatorAddress);
  const token = await readFile(path.join(plane.config.stateDir, 'operator.token'), 'utf8');
  const client = connectOperator({ address: link.address, ca: plane.ca, token });
  link.delayAnswersMs = 1_000;
  const asked = client.fleet.recoverOrder({ cluster, kernelBuildId: '', from: [] }, { deadlineMs: 60_000 });
  await eventually(async () => {
    expect(await order()).toHaveLength(2);
  });
  link.delayAnswersMs = 0;
  link.cut();
  const answer = await asked;
  expect(answer.entries.map(entryFromWire)).toEqual(whole.slice(1));
  expect(answer.nodes).toEqual([`${cluster}-most`]);
  expect((await order()).map(entryFromWire)).toEqual(whole);
  client.close();
  await link.close();
});
