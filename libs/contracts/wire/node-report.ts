// SPDX-License-Identifier: GPL-2.0-only
import {
  Consistency,
  NodeStatus,
  type KernelConflict as WireConflict,
  type KernelTrouble as WireTrouble,
  type Obstacle as WireObstacle,
  type NodeReport,
  type Quarantine as WireQuarantine,
  type Transition as WireTransition,
} from '@lockstep/contracts/generated';
import {
  kernelTroubleKinds,
  obstacleKinds,
  type KernelTrouble,
  type ModuleName,
  type Obstacle,
} from '@lockstep/domain/livepatch-model';
import type { KernelConflict, NodeView, Quarantine, Transition } from '@lockstep/domain/node-state';
import { functionFromWire, functionToWire } from './log-entry';
import { nodeStatusToWire } from './node-status';
import { heardHeadToWire } from './signed-head';
import { consistencyToWire } from './switching';

const kernelConflictToWire = ({ function: fn, owners }: KernelConflict): WireConflict => ({
  function: functionToWire(fn),
  owners: owners.map(({ module, knownAs }) => ({
    moduleName: module,
    knownAs: knownAs === undefined ? undefined : functionToWire({ ...knownAs, object: fn.object }),
  })),
});

/** None of a message without a function; a node's module names as they came. */
export function kernelConflictFromWire({ function: fn, owners }: WireConflict): KernelConflict[] {
  if (fn === undefined) return [];
  const known = owners.map(({ moduleName, knownAs }) => ({
    module: moduleName as ModuleName,
    ...(knownAs === undefined ? {} : { knownAs: functionFromWire(knownAs) }),
  }));
  return [{ function: functionFromWire(fn), owners: known }];
}

function transitionToWire({ module, mode, blockers, ...stats }: Transition): WireTransition {
  return {
    ...stats,
    moduleName: module,
    mode: consistencyToWire(mode),
    blockers: blockers.map(({ heldBy, ...blocker }) => ({ ...blocker, heldBy: heldBy ?? '' })),
  };
}

const quarantineToWire = ({ crashedBoot, foundBoot, ...rest }: Quarantine): WireQuarantine => ({
  ...rest,
  crashedBootId: crashedBoot,
  foundBootId: foundBoot,
});

/** @param bootId of the boot that the node is in */
export function reportToWire(view: NodeView, bootId: string, nowMs: number): NodeReport {
  const { status, position, target, headSeq, headHash, stack, problem, lastTransition, quarantine } = view;
  return {
    status: nodeStatusToWire(status),
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
    kernelConflicts: view.kernelConflicts.map(kernelConflictToWire),
    lastTransition: lastTransition === undefined ? undefined : transitionToWire(lastTransition),
    quarantine: quarantine === undefined ? undefined : quarantineToWire(quarantine),
    bootId,
    obstacles: (view.obstacles ?? []).map(({ trusted = [], ...obstacle }) => ({ ...obstacle, trusted: [...trusted] })),
    trouble: view.trouble === undefined ? undefined : { ...view.trouble },
    // Whoever speaks with the control plane adds what it has measured.
    probes: [],
    kept: (view.kept ?? []).map(({ module, reasons }) => ({ moduleName: module, reasons: [...reasons] })),
    problem: problem === undefined ? undefined : { reason: problem.reason, message: problem.message },
    heardHead: heardHeadToWire(view, nowMs),
    // The half with the network adds it.
    trust: undefined,
  };
}

/** A kind that only a newer agent knows is told as a warning, the least of them. */
export function troubleFromWire({ id, kind, message }: WireTrouble): KernelTrouble {
  return { id, kind: kernelTroubleKinds.find((each) => each === kind) ?? 'warning', message };
}

/** None of a kind that only a newer agent knows. */
export function obstacleFromWire({ kind, at, by, trusted }: WireObstacle): Obstacle[] {
  const known = obstacleKinds.find((each) => each === kind);
  if (known === undefined) return [];
  // A report of an older agent was kept without the list.
  const keys = (trusted as string[] | undefined) ?? [];
  return [{ kind: known, at, by, ...(keys.length > 0 ? { trusted: keys } : {}) }];
}

/**
 * A report without values that only a newer version knows, which could be neither kept nor understood. The node then
 * has no status, and says why.
 */
export function withKnownValues(report: NodeReport): NodeReport {
  const { status, lastTransition } = report;
  const isModeKnown = lastTransition === undefined || lastTransition.mode in Consistency;
  const known: NodeReport = isModeKnown
    ? report
    : { ...report, lastTransition: { ...lastTransition, mode: Consistency.CONSISTENCY_UNSPECIFIED } };
  if (status in NodeStatus) return known;
  const message = `Its agent is newer than this control plane, which does not know its state ${status}: update the control plane.`;
  return {
    ...known,
    status: NodeStatus.NODE_STATUS_UNSPECIFIED,
    problem: { reason: 'unknown-status', message },
  };
}
