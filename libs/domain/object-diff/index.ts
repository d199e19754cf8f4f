// SPDX-License-Identifier: GPL-2.0-only
export { diffObjects } from './diff-objects';
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
export type { TableLayouts } from './table-layouts';
