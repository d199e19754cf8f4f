// SPDX-License-Identifier: GPL-2.0-only
export { advance, explainExtensionRefusal, startNode } from './advance';
export type { BegunLoad, BootFacts, CrashEvidence, EndedBoot, Quarantine } from './boot-history';
export { mergeQuarantines } from './crash-guard';
export { modulesAhead, mostBytesAhead } from './modules-ahead';
export { foreignPatches, nextMove, positionReached, type NextMove } from './next-move';
export type {
  Advance,
  ControlWord,
  Job,
  JobOutcome,
  Known,
  NodeEffect,
  NodeEvent,
  NodeState,
  Recorded,
  Setback,
  TransitionPolicy,
} from './node-state';
export { viewOf, type NodeView } from './node-view';
export {
  entryNotReadable,
  hasNoJournal,
  journalDamaged,
  journalNotReadable,
  serverAway,
  takesNoTarget,
  type Blocker,
  type KeptModule,
  type KernelConflict,
  type Observation,
  type ObservedPatch,
  type Problem,
  type Transition,
} from './observation';
