// SPDX-License-Identifier: GPL-2.0-only
import { NodeStatus } from '@lockstep/contracts/generated';
import { nodeStatusFromWire } from '@lockstep/contracts/wire';
import { ExpectedModules, judgeDrift, type NodeDrift, type ShownNode } from '@lockstep/domain/drift';
import {
  parseSeq,
  type ClusterName,
  type KernelBuildId,
  type ModuleName,
  type Seq,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import type { LogEntry, LogName } from '@lockstep/domain/load-order';
import type { NodeRecord } from '@lockstep/io/database';

export interface DriftedNode {
  readonly node: NodeRecord;
  readonly drift: NodeDrift;
}

/** What a node has reported; undefined where that is nothing that is known here, or of another history. */
function shownOf({ report }: NodeRecord): ShownNode | undefined {
  const status = report === null ? undefined : nodeStatusFromWire(report.status);
  if (report === null || status === undefined) return undefined;
  if (status === 'forked' || status === 'ahead' || status === 'implausible') return undefined;
  return {
    status,
    position: parseSeq(report.position),
    target: parseSeq(report.target),
    stack: report.stack.map(({ moduleName, enabled, artifactSha256 }) => ({
      module: moduleName as ModuleName,
      enabled,
      artifact: artifactSha256 === '' ? undefined : (artifactSha256 as Sha256),
    })),
  };
}

/** Nearly every node: nothing is made of its report, for this is asked of all of them at each scrape. */
function isAsExpected({ report }: NodeRecord, expected: ExpectedModules): boolean {
  if (report === null || report.position !== report.target || report.position > expected.head) return false;
  const wanted = expected.at(report.position as Seq);
  const { stack, status } = report;
  if (status === NodeStatus.NODE_STATUS_DIVERGED || stack.length !== wanted.length) return false;
  return stack.every(({ moduleName, enabled }, place) => enabled && moduleName === wanted[place]);
}

/** Of these nodes, those that have left their position. @param entriesOf of a load order, as far as they are known */
export function driftedNodes(
  nodes: readonly NodeRecord[],
  entriesOf: (log: LogName) => readonly LogEntry[],
): DriftedNode[] {
  const known = new Map<ClusterName, Map<KernelBuildId, ExpectedModules>>();
  const expectedOf = (cluster: ClusterName, kernelBuild: KernelBuildId): ExpectedModules => {
    const ofCluster = known.get(cluster) ?? new Map<KernelBuildId, ExpectedModules>();
    const expected = ofCluster.get(kernelBuild) ?? new ExpectedModules(entriesOf({ cluster, kernelBuild }));
    known.set(cluster, ofCluster.set(kernelBuild, expected));
    return expected;
  };
  return nodes.flatMap((node) => {
    const { cluster, kernelBuild } = node;
    if (kernelBuild === null) return [];
    const expected = expectedOf(cluster, kernelBuild);
    const shown = isAsExpected(node, expected) ? undefined : shownOf(node);
    // What is not known yet is judged later.
    if (shown === undefined || expected.head < shown.target) return [];
    const drift = judgeDrift(shown, expected);
    return drift === undefined ? [] : [{ node, drift }];
  });
}
