// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { NodeReport, NodeStatus } from '@lockstep/contracts/generated';
import { parseClusterName, parseNodeName } from '@lockstep/domain/livepatch-model';
import type { NodeRecord, NodeStream } from '@lockstep/io/database';
import { pino } from 'pino';
import { ReportIntake } from './report-intake';

const node: NodeRecord = {
  name: parseNodeName('n1'),
  cluster: parseClusterName('web'),
  certificateFingerprint: '',
  kernelBuild: null,
  kernelRelease: '',
  agentVersion: '',
  bootId: 'b1',
  patchedCore: false,
  entryVersions: [],
  sessionEpoch: 7,
  report: null,
  lastSeenAt: null,
};

const report = (position: number, target: number, status = NodeStatus.NODE_STATUS_MOVING): NodeReport =>
  NodeReport.fromPartial({ status, position, target, headSeq: 3, bootId: 'b1' });

/** What becomes of reports when the agent was given three entries; `answers` are the database's, in turn. */
function intake(answers: (boolean | Error)[] = []) {
  const kept: string[] = [];
  const news: string[] = [];
  const write = async (what: string): Promise<boolean> => {
    const answer = answers.shift() ?? true;
    if (answer instanceof Error) throw answer;
    if (answer) kept.push(what);
    return answer;
  };
  const nodes = {
    report: ({ sessionEpoch }: NodeStream, { status, position, target, problem }: NodeReport) =>
      write(`${sessionEpoch}: ${NodeStatus[status].slice(12)} ${position}>${target} ${problem?.reason ?? ''}`.trim()),
    touch: ({ sessionEpoch }: NodeStream) => write(`${sessionEpoch}: alive`),
  };
  const session = { offeredSeq: 3, seen: (report: NodeReport) => report };
  const log = pino({ level: 'silent' });
  const taken = new ReportIntake({
    nodes,
    log,
    node,
    session,
    findTwin: () => undefined,
    onNews: () => news.push(kept.at(-1) ?? ''),
  });
  return { taken, kept, news };
}

test('keeps what is new, and of the rest that the node lives', async () => {
  const { taken, kept, news } = intake();
  for (const each of [report(1, 2), report(1, 2), report(2, 2)]) await taken.take(each);
  expect(kept).toEqual(['7: MOVING 1>2', '7: alive', '7: MOVING 2>2']);
  expect(news).toEqual(['7: MOVING 1>2', '7: MOVING 2>2']);
});

test('a report that cannot be true changes nothing but what is thought of the node, until one can', async () => {
  const { taken, kept } = intake();
  for (const each of [report(1, 2), report(1, 4294967295), report(1, 1), report(2, 2)]) await taken.take(each);
  expect(kept).toEqual([
    '7: MOVING 1>2',
    '7: IMPLAUSIBLE 1>2 implausible',
    '7: IMPLAUSIBLE 1>2 implausible',
    '7: MOVING 2>2',
  ]);
});

test.each(['journal-damaged', 'journal-not-readable'])(
  'a node that says %s has failed where it was believed to be: it knows no better, and does not lie',
  async (reason) => {
    const { taken, kept } = intake();
    const problem = { reason, message: 'x' };
    const damaged: NodeReport = { ...report(0, 0, NodeStatus.NODE_STATUS_FAILED), headSeq: 0, problem };
    for (const each of [report(1, 2), damaged, { ...damaged, bootId: 'b2' }]) await taken.take(each);
    expect(kept).toEqual(['7: MOVING 1>2', `7: FAILED 1>2 ${reason}`, '7: IMPLAUSIBLE 1>2 implausible']);
  },
);

test('a database that is away costs no stream, and the next heartbeat brings what it missed', async () => {
  const away = Object.assign(new Error('timeout exceeded when trying to connect'), { code: 'P2024' });
  const { taken, kept, news } = intake([true, away, away]);
  for (const position of [1, 2, 2, 2, 2]) await taken.take(report(position, 2));
  expect(kept).toEqual(['7: MOVING 1>2', '7: MOVING 2>2', '7: alive']);
  expect(news).toEqual(['7: MOVING 1>2', '7: MOVING 2>2']);
});

test('a stream that is not the newest any more ends; so does one that meets a bug', async () => {
  await expect(intake([false]).taken.take(report(1, 2))).rejects.toMatchObject({ reason: 'replaced' });
  await expect(intake([new Error('bug')]).taken.take(report(1, 2))).rejects.toThrow('bug');
});
