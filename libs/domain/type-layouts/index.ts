// SPDX-License-Identifier: GPL-2.0-only
export {
  changedTypes,
  describeTypeChange,
  isOnlyTold,
  isVouchedFor,
  refuseTypeChanges,
  remarksOnTypes,
  type AllowedTypeChanges,
  type TypeChange,
} from './changed-types';
export { compareLayouts, differingFromAll, type LayoutChange } from './compare-layouts';
export { DwarfCursor } from './dwarf-cursor';
export { readBtf } from './read-btf';
export { readDwarf } from './read-dwarf';
export { changedTypeOf, parseSymbolTypes, type SymbolTypes } from './symbol-types';
export { alignStatics, staticOwners, type AlignedStatics, type NamedStatics, type StaticOwner } from './static-owners';
export type { TypeGraph } from './type-graph';
