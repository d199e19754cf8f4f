// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NodeStatus, type ConnectResponse, type NodeReport } from '@lockstep/contracts/generated';
import type { LoadBody, LogEntry } from '@lockstep/domain/load-order';
import { parseKernelBuildId, parseModuleName, parseSeq } from '@lockstep/domain/livepatch-model';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { startDevFleet, type DevFleet } from '../dev-fleet';
import { exampleDiff } from '../example-patches';
import { auditedLog } from '../fleet-audit';
import { patientOperator } from '../patient-operator';
import { extension, forgeEntry, Impostor, moveTo, noSignature, otherHash } from './impostor';

/** Invariant 3: what an agent is sent by somebody who has everything but the right history. */
let fleet: DevFleet;
let impostor: Impostor;
let known: readonly LogEntry[];
let held: readonly string[];

beforeAll(async () => {
  fleet = await startDevFleet({ nodes: 1, queue: 'postgres' });
  const operator = patientOperator(fleet);
  await operator.submit('a', exampleDiff(fleet.release, ['a', 'b', 'c'], '1'));
  await operator.appendOver('a');
  await operator.rollOut();
  known = await auditedLog(fleet);
  held = await fleet.nodes[0]!.holds();
  await fleet.server.process.kill();
  impostor = await Impostor.start(path.join(fleet.server.stateDir, 'pki'), fleet.server.agentAddress);
}, kernelTestSetupMs);

afterAll(async () => {
  impostor.stop();
  await fleet.stop();
});

const sign: Parameters<typeof forgeEntry>[3] = (hash) => impostor.authority.logSigner.sign(hash);

/** Entry 1 with another name: what a second control plane might have appended first. */
function otherBody(overrides: number[] = []): LoadBody {
  const { body } = known[0]!;
  if (body.kind !== 'load') throw new Error('entry 1 loads');
  return {
    ...body,
    artifact: { ...body.artifact, moduleName: parseModuleName('lockstep_other') },
    overrides: overrides.map(parseSeq),
  };
}

interface Case {
  readonly title: string;
  readonly sends: () => ConnectResponse[];
  readonly reason: string;
}

const next = (): LogEntry => forgeEntry(known, known[0]!, otherBody([1]), sign);

const refused: readonly Case[] = [
  {
    title: 'an entry that the control plane did not sign',
    sends: () => [extension({ ...next(), signature: noSignature })],
    reason: 'bad-signature',
  },
  {
    title: 'an entry changed after it was signed',
    sends: () => [extension({ ...next(), hash: otherHash })],
    reason: 'bad-hash',
  },
  {
    title: 'another history, rightly signed: a control plane restored from a backup',
    sends: () => [extension(forgeEntry([], known[0]!, otherBody(), sign))],
    reason: 'fork',
  },
  {
    title: 'an entry that does not follow the last one',
    sends: () => [extension(forgeEntry([...known, next()], known[0]!, otherBody([1]), sign))],
    reason: 'gap',
  },
  {
    title: 'an entry for another kernel build',
    sends: () => {
      const kernelBuild = parseKernelBuildId('cd'.repeat(20));
      return [extension(forgeEntry(known, { ...known[0]!, kernelBuild }, otherBody([1]), sign))];
    },
    reason: 'wrong-log',
  },
  {
    title: 'a conflict that nobody named',
    sends: () => [extension(forgeEntry(known, known[0]!, otherBody(), sign))],
    reason: 'broken-rule',
  },
  {
    title: 'an artifact for another kernel build, in a log of this one',
    sends: () => {
      const body = otherBody([1]);
      const artifact = { ...body.artifact, kernelBuild: parseKernelBuildId('cd'.repeat(20)) };
      return [extension(forgeEntry(known, known[0]!, { ...body, artifact }, sign))];
    },
    reason: 'broken-rule',
  },
];

const isForked = ({ status }: NodeReport): boolean => status === NodeStatus.NODE_STATUS_FORKED;

const isInStep = ({ status }: NodeReport): boolean => status === NodeStatus.NODE_STATUS_IN_STEP;

describe('an agent that knows one history', () => {
  it.each(refused)('refuses $title ($reason), and every move with it', async ({ sends, reason }) => {
    const report = await impostor.send([...sends(), moveTo(2)], isForked);
    expect(report).toMatchObject({ position: 1, target: 1, headSeq: 1, problem: { reason } });
    expect(await fleet.nodes[0]!.holds()).toEqual(held);
    // Its own history again, and it is itself again.
    await impostor.send([extension(known[0]!)], isInStep);
  });

  it('takes a replay for what it is: known already', async () => {
    const report = await impostor.send([extension(known[0]!), extension(known[0]!)], () => true);
    expect(report).toMatchObject({ status: NodeStatus.NODE_STATUS_IN_STEP, headSeq: 1, headHash: known[0]!.hash });
  });

  it.each([0, 1, 2, 99])('ignores a move to %i: stale, or ahead of its log', async (seq) => {
    const report = await impostor.send([moveTo(seq)], () => true);
    expect(report).toMatchObject({ status: NodeStatus.NODE_STATUS_IN_STEP, position: 1, target: 1 });
    expect(await fleet.nodes[0]!.holds()).toEqual(held);
  });

  it('goes on with the real one', async () => {
    impostor.stop();
    await fleet.server.start();
    await fleet.settled();
    expect(await auditedLog(fleet)).toEqual(known);
  });
});
