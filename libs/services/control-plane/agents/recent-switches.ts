// SPDX-License-Identifier: GPL-2.0-only
import { NodeStatus, type NodeReport, type Transition } from '@lockstep/contracts/generated';
import type { NodeName } from '@lockstep/domain/livepatch-model';

/** As many of a node are kept: enough to see whether the last one was as the ones before. */
const mostKept = 12;

export interface RecentSwitch {
  readonly at: Date;
  readonly transition: Transition;
}

const isSame = (a: Transition | undefined, b: Transition): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The last transitions of each node, as their ends were told since this control plane was started. A kernel tells of its last alone. */
export class RecentSwitches {
  private readonly ofNodes = new Map<NodeName, readonly RecentSwitch[]>();

  constructor(private readonly nowMs: () => number = Date.now) {}

  /** A report with news, after the one before it. */
  note(name: NodeName, before: NodeReport | undefined, { status, lastTransition }: NodeReport): void {
    if (lastTransition === undefined || status === NodeStatus.NODE_STATUS_IMPLAUSIBLE) return;
    if (lastTransition.result === 'pending' || isSame(before?.lastTransition, lastTransition)) return;
    const known = this.ofNodes.get(name) ?? [];
    const added = { at: new Date(this.nowMs()), transition: lastTransition };
    this.ofNodes.set(name, [...known, added].slice(-mostKept));
  }

  /** Oldest first. */
  of(name: NodeName): readonly RecentSwitch[] {
    return this.ofNodes.get(name) ?? [];
  }

  forget(name: NodeName): void {
    this.ofNodes.delete(name);
  }
}
