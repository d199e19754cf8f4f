// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { NodeReport, NodeStatus, type Problem } from '@lockstep/contracts/generated';
import { noLabels } from '@lockstep/domain/labels';
import { parseClusterName, parseNodeName } from '@lockstep/domain/livepatch-model';
import type { NodeRecord, NodeStream } from '@lockstep/io/database';
import { pino } from 'pino';
import { ReportIntake } from './report-intake';

const node: NodeRecord = {
  name: parseNodeName('n1'),
  cluster: parseClusterName('web'),
  certificateFingerprint: '',
  certificateEndsAt: null,
  kernelBuild: null,
  kernelRelease: '',
  agentVersion: '',
  bootId: 'b1',
  patchedCore: false,
  entryVersions: [],
  labels: { reported: noLabels, assigned: noLabels },
  labelsRevision: 0,
  sessionEpoch: 7,
  report: null,
  lastSeenAt: null,
  revokedAt: null,
  replica: null,
  revision: 0,
};

const report = (position: number, target: number, status = NodeStatus.NODE_STATUS_MOVING): NodeReport =>
  NodeReport.fromPartial({ status, position, target, headSeq: 3, bootId: 'b1' });

/** What becomes of reports when the agent was given three entries. */
function intake(isCurrent = true, findTwin: () => Problem | undefined = () => undefined) {
  const kept: string[] = [];
  const news: string[] = [];
  const hear = (what: string): boolean => {
    if (isCurrent) kept.push(what);
    return isCurrent;
  };
  const nodes = {
    note: ({ sessionEpoch }: NodeStream, { status, position, target, problem }: NodeReport) =>
      hear(`${sessionEpoch}: ${NodeStatus[status].slice(12)} ${position}>${target} ${problem?.reason ?? ''}`.trim()),
    touch: ({ sessionEpoch }: NodeStream) => hear(`${sessionEpoch}: alive`),
  };
  const session = { offeredSeq: 3, seen: (report: NodeReport) => report };
  const log = pino({ level: 'silent' });
  const taken = new ReportIntake({
    nodes,
    log,
    node,
    session,
    findTwin,
    onNews: () => news.push(kept.at(-1) ?? ''),
  });
  return { taken, kept, news, session };
}

test('notes what is new, and of the rest that the node lives', () => {
  const { taken, kept, news } = intake();
  for (const each of [report(1, 2), report(1, 2), report(2, 2)]) taken.take(each);
  expect(kept).toEqual(['7: MOVING 1>2', '7: alive', '7: MOVING 2>2']);
  expect(news).toEqual(['7: MOVING 1>2', '7: MOVING 2>2']);
});

test('the very report that was believed before is a sign of life, unless two machines have one key by now', () => {
  const said = report(1, 2);
  let twin: Problem | undefined;
  const { taken, kept } = intake(true, () => twin);
  taken.take(said);
  taken.take(said);
  twin = { reason: 'twin', message: 'two machines have one key' };
  taken.take(said);
  twin = undefined;
  taken.take(said);
  expect(kept).toEqual(['7: MOVING 1>2', '7: alive', '7: IMPLAUSIBLE 1>2 twin', '7: MOVING 1>2']);
});

test('the very report that was not believed before is judged again', () => {
  const said = report(1, 4);
  const { taken, kept, session } = intake();
  taken.take(said);
  session.offeredSeq = 4;
  taken.take(said);
  expect(kept).toEqual(['7: IMPLAUSIBLE 0>0 implausible', '7: MOVING 1>4']);
});

test('a report that cannot be true changes nothing but what is thought of the node, until one can', () => {
  const { taken, kept } = intake();
  for (const each of [report(1, 2), report(1, 4294967295), report(1, 1), report(2, 2)]) taken.take(each);
  expect(kept).toEqual([
    '7: MOVING 1>2',
    '7: IMPLAUSIBLE 1>2 implausible',
    '7: IMPLAUSIBLE 1>2 implausible',
    '7: MOVING 2>2',
  ]);
});

test.each(['journal-damaged', 'journal-not-readable'])(
  'a node that says %s has failed where it was believed to be: it knows no better, and does not lie',
  (reason) => {
    const { taken, kept } = intake();
    const problem = { reason, message: 'x' };
    const damaged: NodeReport = { ...report(0, 0, NodeStatus.NODE_STATUS_FAILED), headSeq: 0, problem };
    for (const each of [report(1, 2), damaged, { ...damaged, bootId: 'b2' }]) taken.take(each);
    expect(kept).toEqual(['7: MOVING 1>2', `7: FAILED 1>2 ${reason}`, '7: IMPLAUSIBLE 1>2 implausible']);
  },
);

test('a stream that is not the newest any more ends', () => {
  const { taken } = intake(false);
  expect(() => {
    taken.take(report(1, 2));
  }).toThrow(expect.objectContaining({ reason: 'replaced' }));
});
