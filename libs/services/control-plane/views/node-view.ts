// SPDX-License-Identifier: GPL-2.0-only
import type { Node } from '@lockstep/contracts/generated';
import { effectiveLabels } from '@lockstep/domain/labels';
import type { NodeRecord } from '@lockstep/io/database';

export function nodeToWire(node: NodeRecord, connected: boolean): Node {
  return {
    name: node.name,
    cluster: node.cluster,
    connected,
    kernelBuildId: node.kernelBuild ?? '',
    kernelRelease: node.kernelRelease,
    agentVersion: node.agentVersion,
    patchedCore: node.patchedCore,
    report: node.report ?? undefined,
    lastSeenAt: node.lastSeenAt ?? undefined,
    labels: Object.fromEntries(effectiveLabels(node.labels)),
    reportedLabels: Object.fromEntries(node.labels.reported),
    revokedAt: node.revokedAt ?? undefined,
    // Of one node alone.
    ...{ certificateFingerprint: '', certificateEndsAt: undefined, recentTransitions: [] },
  };
}
