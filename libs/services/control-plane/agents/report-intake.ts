// SPDX-License-Identifier: GPL-2.0-only
import { NodeStatus, type NodeReport, type Problem } from '@lockstep/contracts/generated';
import { withKnownValues } from '@lockstep/contracts/wire';
import { LockstepError, parseSeq, seqZero, type Seq } from '@lockstep/domain/livepatch-model';
import { hasNoJournal } from '@lockstep/domain/node-state';
import { doubtReport } from '@lockstep/domain/rollout-planner';
import type { NodeRecord } from '@lockstep/io/database';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import type { Logger } from 'pino';
import type { KnownNodes } from './known-nodes';
import type { NodeSession } from './node-session';

export interface ReportIntakeParts {
  readonly nodes: Pick<KnownNodes, 'note' | 'touch'>;
  readonly log: Logger;
  /** As it was introduced for this stream. */
  readonly node: NodeRecord;
  readonly session: Pick<NodeSession, 'offeredSeq' | 'seen'>;
  /** Why nothing that the node says can be believed now. */
  readonly findTwin: () => Problem | undefined;
  /** A report says something new; it, as it is believed. */
  readonly onNews: (report: NodeReport) => void;
}

/** It reports neither position nor target, since it knows none: what was believed before stays. */
const hasLostItsJournal = ({ status, problem }: NodeReport): boolean =>
  status === NodeStatus.NODE_STATUS_FAILED && problem !== undefined && hasNoJournal(problem.reason);

/**
 * One stream's reports: judged, then kept for planning. What cannot be true is kept as `implausible`, which holds that
 * node out and no other.
 */
export class ReportIntake {
  /** As it was said last, and is believed as it is. */
  private believed: NodeReport | undefined;
  /** The sha256 of what is known. */
  private kept: string | undefined;
  /** What was found wrong with the last one. */
  private doubted: string | undefined;
  private position: Seq;
  private acknowledged: Seq;

  constructor(private readonly parts: ReportIntakeParts) {
    const { report } = parts.node;
    this.position = parseSeq(report?.position ?? 0);
    this.acknowledged = parseSeq(report?.target ?? 0);
  }

  /** @throws LockstepError `unavailable` `replaced` when the node has connected or enrolled again since. */
  take(report: NodeReport): void {
    const { nodes, node, session, findTwin, onNews } = this.parts;
    if (report === this.believed && findTwin() === undefined) {
      this.insistCurrent(nodes.touch(node));
      return;
    }
    const judged = this.judge(session.seen(withKnownValues(report)));
    const sha256 = sha256OfBytes(Buffer.from(JSON.stringify(judged)));
    const isNews = sha256 !== this.kept;
    this.insistCurrent(isNews ? nodes.note(node, judged) : nodes.touch(node));
    this.believed = judged === report ? report : undefined;
    if (!isNews) return;
    this.kept = sha256;
    onNews(judged);
  }

  private insistCurrent(isCurrent: boolean): void {
    if (isCurrent) return;
    const node = this.parts.node.name;
    const message = `Node ${node} has connected or enrolled again since.`;
    throw new LockstepError('unavailable', 'replaced', message, { node });
  }

  private judge(report: NodeReport): NodeReport {
    const problem = this.problemOf(report);
    if (problem === undefined && hasLostItsJournal(report)) {
      return { ...report, position: this.position, target: this.acknowledged };
    }
    if (problem === undefined) {
      this.doubted = undefined;
      this.position = parseSeq(report.position);
      this.acknowledged = parseSeq(report.target);
      return report;
    }
    const { log, node } = this.parts;
    if (this.doubted !== problem.message) log.warn({ node: node.name, problem }, 'a report that cannot be true');
    this.doubted = problem.message;
    // What was believed before stays; the rest is shown as it was said.
    return {
      ...report,
      status: NodeStatus.NODE_STATUS_IMPLAUSIBLE,
      position: this.position,
      target: this.acknowledged,
      problem,
    };
  }

  private problemOf(report: NodeReport): Problem | undefined {
    const { session, node, findTwin } = this.parts;
    const bounds = {
      offered: parseSeq(session.offeredSeq),
      acknowledged: hasLostItsJournal(report) ? seqZero : this.acknowledged,
      bootId: node.bootId,
    };
    const doubt = doubtReport(report, bounds);
    if (doubt !== undefined) return { reason: 'implausible', message: doubt };
    return findTwin();
  }
}
