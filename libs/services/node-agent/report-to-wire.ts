// SPDX-License-Identifier: GPL-2.0-only
import {
  NodeStatus as WireStatus,
  type KernelConflict as WireConflict,
  type NodeReport,
  type Transition as WireTransition,
} from '@lockstep/contracts/generated';
import { consistencyToWire, functionToWire } from '@lockstep/contracts/wire';
import type { KernelConflict, NodeStatus, NodeView, Transition } from '@lockstep/domain/node-state';

const wireStatus: Readonly<Record<NodeStatus, WireStatus>> = {
  'in-step': WireStatus.NODE_STATUS_IN_STEP,
  moving: WireStatus.NODE_STATUS_MOVING,
  failed: WireStatus.NODE_STATUS_FAILED,
  diverged: WireStatus.NODE_STATUS_DIVERGED,
  forked: WireStatus.NODE_STATUS_FORKED,
};

const conflictToWire = ({ function: fn, owners }: KernelConflict): WireConflict => ({
  function: functionToWire(fn),
  owners: owners.map(({ module, knownAs }) => ({
    moduleName: module,
    knownAs: knownAs === undefined ? undefined : functionToWire({ ...knownAs, object: fn.object }),
  })),
});

function transitionToWire({ module, mode, blockers, ...stats }: Transition): WireTransition {
  return {
    ...stats,
    moduleName: module,
    mode: consistencyToWire(mode),
    blockers: blockers.map((blocker) => ({ ...blocker })),
  };
}

export function reportToWire(view: NodeView): NodeReport {
  const { status, position, target, headSeq, headHash, stack, problem, lastTransition } = view;
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
    kernelConflicts: view.kernelConflicts.map(conflictToWire),
    lastTransition: lastTransition === undefined ? undefined : transitionToWire(lastTransition),
    problem: problem === undefined ? undefined : { reason: problem.reason, message: problem.message },
  };
}
