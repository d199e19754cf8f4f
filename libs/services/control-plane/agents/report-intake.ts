// SPDX-License-Identifier: GPL-2.0-only
import { NodeStatus, type NodeReport, type Problem } from '@lockstep/contracts/generated';
import { withKnownValues } from '@lockstep/contracts/wire';
import { LockstepError, parseSeq, seqZero, type Seq } from '@lockstep/domain/livepatch-model';
import { hasNoJournal } from '@lockstep/domain/node-state';
import { doubtReport } from '@lockstep/domain/rollout-planner';
import { isDatabaseAway, type NodeRecord, type NodeStore } from '@lockstep/io/database';
import type { Logger } from 'pino';
import type { NodeSession } from './node-session';

export interface ReportIntakeParts {
  readonly nodes: Pick<NodeStore, 'report' | 'touch'>;
  readonly log: Logger;
  /** As it was introduced for this stream. */
  readonly node: NodeRecord;
  readonly session: Pick<NodeSession, 'offeredSeq' | 'seen'>;
  /** Why nothing that the node says can be believed now. */
  readonly findTwin: () => Problem | undefined;
  /** A report was kept that says something new. */
  readonly onNews: () => void;
}

/** It reports neither position nor target, since it knows none: what was believed before stays. */
const hasLostItsJournal = ({ status, problem }: NodeReport): boolean =>
  status === NodeStatus.NODE_STATUS_FAILED && problem !== undefined && hasNoJournal(problem.reason);

/**
 * One stream's reports: judged, then kept for planning. What cannot be true is kept as `implausible`, which holds that
 * node out and no other. A database that is away for a moment costs no stream: the next heartbeat brings it all again.
 */
export class ReportIntake {
  private kept: string | undefined;
  private position: Seq;
  private acknowledged: Seq;
  private isDatabaseAway = false;

  constructor(private readonly parts: ReportIntakeParts) {
    const { report } = parts.node;
    this.position = parseSeq(report?.position ?? 0);
    this.acknowledged = parseSeq(report?.target ?? 0);
  }

  /** @throws LockstepError `unavailable` `replaced` when the node has connected or enrolled again since. */
  async take(report: NodeReport): Promise<void> {
    const { log, node, session } = this.parts;
    const judged = this.judge(session.seen(withKnownValues(report)));
    try {
      await this.keep(judged);
      this.isDatabaseAway = false;
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
      // Whether it was written is not known: the next report is written whatever it says.
      this.kept = undefined;
      if (!this.isDatabaseAway) log.warn({ err: error, node: node.name }, 'could not keep a report');
      this.isDatabaseAway = true;
    }
  }

  private async keep(report: NodeReport): Promise<void> {
    const { nodes, node, onNews } = this.parts;
    const text = JSON.stringify(report);
    const isNews = text !== this.kept;
    const isCurrent = isNews ? await nodes.report(node, report) : await nodes.touch(node);
    if (!isCurrent) {
      const message = `Node ${node.name} has connected or enrolled again since.`;
      throw new LockstepError('unavailable', 'replaced', message, { node: node.name });
    }
    if (!isNews) return;
    this.kept = text;
    onNews();
  }

  private judge(report: NodeReport): NodeReport {
    const problem = this.problemOf(report);
    if (problem === undefined && hasLostItsJournal(report)) {
      return { ...report, position: this.position, target: this.acknowledged };
    }
    if (problem === undefined) {
      this.position = parseSeq(report.position);
      this.acknowledged = parseSeq(report.target);
      return report;
    }
    const { log, node } = this.parts;
    if (this.kept === undefined || !this.kept.includes(JSON.stringify(problem))) {
      log.warn({ node: node.name, problem }, 'a report that cannot be true');
    }
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
