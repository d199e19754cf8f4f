// SPDX-License-Identifier: GPL-2.0-only
export type {
  ChangedFunction,
  KernelSymbol,
  LivepatchCallback,
  ObjectDiff,
  ObjectPair,
  Piece,
  PieceRelocation,
  RelocationTarget,
} from './object-diff';
export type { TableLayouts } from './table-layouts';
