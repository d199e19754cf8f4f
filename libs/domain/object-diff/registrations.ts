// SPDX-License-Identifier: GPL-2.0-only
import { parseElf } from '@lockstep/domain/elf';
import { exportIn, exportNames } from './export-sections';
import { isInitSection, sectionRoles } from './section-roles';

/** What an object has in a section that is only read at boot or at module load. */
export interface Registration {
  readonly section: string;
  /** Symbols in it; none where it has no name. */
  readonly names: readonly string[];
}

/** All of an object's but its exports, by section. @throws LockstepError `invalid-input` for what is no object */
export function registrationsIn(object: Uint8Array, name: string): Registration[] {
  const elf = parseElf(object, name);
  const { symbols } = elf;
  const found = new Map<number, string[]>();
  sectionRoles(elf).forEach((role, section) => {
    const called = elf.sectionTable.name(section);
    if (role !== 'registration' || called === exportNames || exportIn(called).length > 0) return;
    if (!isInitSection(called) || /initcall/.test(called)) found.set(section, []);
  });
  for (let symbol = 1; symbol < symbols.count; symbol += 1) {
    const names = symbols.isDefined(symbol) ? found.get(symbols.section(symbol)) : undefined;
    if (names !== undefined && symbols.name(symbol) !== '') names.push(symbols.name(symbol));
  }
  return Array.from(found, ([section, names]) => ({ section: elf.sectionTable.name(section), names }));
}
