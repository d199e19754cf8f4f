// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { NodeRecord } from '@lockstep/io/database';

interface Shown {
  readonly node: NodeRecord;
  readonly isConnected: boolean;
  readonly revision: number;
}

/** When a node was heard last is no news of one that is connected: it is heard all the time. */
const isSame = (shown: Shown, node: NodeRecord, isConnected: boolean): boolean => {
  const { node: before } = shown;
  if (before === node) return shown.isConnected === isConnected;
  return (
    shown.isConnected === isConnected &&
    (isConnected || before.lastSeenAt?.getTime() === node.lastSeenAt?.getTime()) &&
    before.report === node.report &&
    before.labels === node.labels &&
    before.revokedAt === node.revokedAt &&
    before.kernelBuild === node.kernelBuild &&
    before.agentVersion === node.agentVersion &&
    before.certificateFingerprint === node.certificateFingerprint
  );
};

/** Those that left are forgotten when there are so many more than there are nodes. */
const mostForgotten = 1_000;

/**
 * Counts what changes of what is shown of nodes, when somebody looks: a watcher is told what has a revision that it has
 * not seen. It begins at the time of day in µs, so that no other process has counted the same.
 */
export class NodeRevisions {
  private readonly shown = new Map<NodeName, Shown>();
  private readonly first: number;
  private newest: number;

  constructor(nowMs: number) {
    this.first = nowMs * 1_000;
    this.newest = this.first;
  }

  /** Whatever is of this one or an earlier one has been shown. */
  get current(): number {
    return this.newest;
  }

  /** Whether this process counted it: of any other it says nothing. */
  isKnown(revision: number): boolean {
    return revision >= this.first && revision <= this.newest;
  }

  /** Since which revision it is shown like this. */
  of(node: NodeRecord, isConnected: boolean): number {
    const before = this.shown.get(node.name);
    if (before !== undefined && isSame(before, node, isConnected)) return before.revision;
    this.newest += 1;
    this.shown.set(node.name, { node, isConnected, revision: this.newest });
    return this.newest;
  }

  /** @param isThere whether there is such a node */
  forget(count: number, isThere: (name: NodeName) => boolean): void {
    if (this.shown.size <= count + mostForgotten) return;
    for (const name of this.shown.keys()) if (!isThere(name)) this.shown.delete(name);
  }
}
