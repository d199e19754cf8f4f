// SPDX-License-Identifier: GPL-2.0-only
export { isElf } from './is-elf';
export {
  isPcRelative,
  relocationType,
  relocationWidthBytes,
  sectionFlag,
  sectionIndex,
  sectionType,
  symbolBinding,
  symbolType,
} from './constants';
export { ElfBytes, malformed, stringAt } from './elf-bytes';
export { readBuildId, readNotes, writeNote, type ElfNote } from './notes';
export { parseElf, type ElfFile } from './parse-elf';
export type { RelocationTable } from './relocation-table';
export type { ElfSection, SectionTable } from './section-table';
export type { StringTable } from './string-table';
export type { SymbolTable } from './symbol-table';
export {
  writeRelocatable,
  type OutputRelocation,
  type OutputRelocations,
  type OutputSection,
  type OutputSymbol,
  type Relocatable,
} from './write-relocatable';
export { indexOfText } from './index-of-text';
