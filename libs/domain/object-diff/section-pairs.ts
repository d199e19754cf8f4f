// SPDX-License-Identifier: GPL-2.0-only
import { sectionType, type ElfFile } from '@lockstep/domain/elf';
import { alignNames, type NamedRows } from './align-names';

/**
 * Pairs the sections of two builds that have one name, in order.
 * @returns by original section: the patched section, 0 for none (and for relocation, symbol and string tables)
 */
export function pairSections(original: ElfFile, patched: ElfFile): Uint32Array {
  const pairs = new Uint32Array(original.sectionTable.count);
  alignNames(pairs, sectionRows(original), sectionRows(patched));
  return pairs;
}

function sectionRows({ sectionTable }: ElfFile): NamedRows {
  return {
    start: 1,
    end: sectionTable.count,
    strings: sectionTable.names,
    nameOffset: (section) => sectionTable.nameOffset(section),
    isNamed: (section) => {
      const type = sectionTable.type(section);
      return type !== sectionType.rela && type !== sectionType.symtab && type !== sectionType.strtab;
    },
  };
}
