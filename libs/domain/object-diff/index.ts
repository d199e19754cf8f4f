// SPDX-License-Identifier: GPL-2.0-only
export {
  describeDifference,
  describeReason,
  type ChangeReason,
  type Difference,
  type ReferenceName,
} from './change-reason';
export { diffObjects } from './diff-objects';
export { decodeInstruction, type Instruction } from './x86-instruction';
export type {
  ChangedFunction,
  KernelSymbol,
  LivepatchCallback,
  NewGlobal,
  ObjectDiff,
  ObjectPair,
  Piece,
  PieceRelocation,
  RelocationTarget,
} from './object-diff';
export { namesakes } from './namesakes';
export { registrationsIn, type Registration } from './registrations';
export { namesInSharedSections } from './shared-names';
export type { Sleeper } from './sleepers';
export { refuseLostState, type StateOf, type StateVariable } from './state';
export type { TableLayouts } from './table-layouts';
export { entryBytesOf } from './code-tables';
export { comparedTables } from './compared-tables';
