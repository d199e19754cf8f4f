// SPDX-License-Identifier: GPL-2.0-only
import { isElf, parseElf, symbolBinding, symbolType } from '@lockstep/domain/elf';
import { isInitSection, sectionRoles } from './section-roles';
import { isPerFunctionStatic } from './symbol-names';

/** What -ffunction-sections and -fdata-sections take apart. */
const split = /^\.(?:text(?:\.(?:unlikely|hot|startup))?|data(?:\.rel\.ro(?:\.local)?)?|bss|rodata)$/;

/**
 * The static functions and variables of an object that lie in one section with others although each could have its own
 * (`__read_mostly`, `__sched`). The assembler refers to them by their section and a number, so that the end of one and
 * the start of the next look the same, and jumps between them have no relocation. Told that their names matter
 * (`.globl`), it keeps the names. In order of name.
 * @param object a relocatable, compiled with or without sections of single functions
 * @throws LockstepError `invalid-input`
 */
export function namesInSharedSections(object: Uint8Array, objectPath: string): string[] {
  if (!isElf(object)) return [];
  const elf = parseElf(object, objectPath);
  const { symbols, sectionTable } = elf;
  const roles = sectionRoles(elf);
  const membersOf = new Map<number, string[]>();
  const placesOf = new Map<number, Set<number>>();
  for (let symbol = 1; symbol < symbols.count; symbol++) {
    const type = symbols.type(symbol);
    if ((type !== symbolType.function && type !== symbolType.object) || !symbols.isDefined(symbol)) continue;
    const section = symbols.section(symbol);
    if (roles[section] !== 'code' && roles[section] !== 'data') continue;
    const places = placesOf.get(section) ?? new Set();
    placesOf.set(section, places.add(symbols.value(symbol)));
    if (symbols.binding(symbol) !== symbolBinding.local) continue;
    const name = symbols.name(symbol);
    if (name.startsWith('.L') || isPerFunctionStatic(name, sectionTable.name(section))) continue;
    membersOf.set(section, [...(membersOf.get(section) ?? []), name]);
  }
  const isShared = (section: number): boolean => {
    const name = sectionTable.name(section);
    return (placesOf.get(section)?.size ?? 0) > 1 && !split.test(name) && !isInitSection(name);
  };
  const names = [...membersOf].flatMap(([section, members]) => (isShared(section) ? members : []));
  return [...new Set(names)].sort();
}
