// SPDX-License-Identifier: GPL-2.0-only
import { NodeStatus as WireStatus } from '@lockstep/contracts/generated';
import type { NodeStatus } from '@lockstep/domain/livepatch-model';

const wireStatus: Readonly<Record<NodeStatus, WireStatus>> = {
  'in-step': WireStatus.NODE_STATUS_IN_STEP,
  moving: WireStatus.NODE_STATUS_MOVING,
  failed: WireStatus.NODE_STATUS_FAILED,
  diverged: WireStatus.NODE_STATUS_DIVERGED,
  forked: WireStatus.NODE_STATUS_FORKED,
  ahead: WireStatus.NODE_STATUS_AHEAD,
  quarantined: WireStatus.NODE_STATUS_QUARANTINED,
  implausible: WireStatus.NODE_STATUS_IMPLAUSIBLE,
};

const domainStatus = new Map(Object.entries(wireStatus).map(([status, wire]) => [wire, status as NodeStatus]));

export const nodeStatusToWire = (status: NodeStatus): WireStatus => wireStatus[status];

/** Undefined where nothing was said, or by a newer version what this one does not know. */
export const nodeStatusFromWire = (wire: WireStatus): NodeStatus | undefined => domainStatus.get(wire);
