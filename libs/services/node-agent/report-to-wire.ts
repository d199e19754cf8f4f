// SPDX-License-Identifier: GPL-2.0-only
import { NodeStatus as WireStatus, type NodeReport } from '@lockstep/contracts/generated';
import { functionToWire } from '@lockstep/contracts/wire';
import type { NodeStatus, NodeView } from '@lockstep/domain/node-state';

const wireStatus: Readonly<Record<NodeStatus, WireStatus>> = {
  'in-step': WireStatus.NODE_STATUS_IN_STEP,
  moving: WireStatus.NODE_STATUS_MOVING,
  failed: WireStatus.NODE_STATUS_FAILED,
  diverged: WireStatus.NODE_STATUS_DIVERGED,
  forked: WireStatus.NODE_STATUS_FORKED,
};

export function reportToWire({ status, position, target, headSeq, headHash, stack, problem }: NodeView): NodeReport {
  return {
    status: wireStatus[status],
    position,
    target,
    headSeq,
    headHash,
    stack: stack.map(({ module, enabled, transition, functions, artifact }) => ({
      moduleName: module,
      enabled,
      transition,
      functions: functions.map(functionToWire),
      artifactSha256: artifact ?? '',
    })),
    problem: problem === undefined ? undefined : { ...problem },
  };
}
