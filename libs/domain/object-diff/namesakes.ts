// SPDX-License-Identifier: GPL-2.0-only
import { isElf, parseElf, symbolType } from '@lockstep/domain/elf';
import { isPerFunctionStatic } from './symbol-names';

/**
 * Static variables of functions that share their name, which the compiler numbers in the order in which they come up: by
 * name (`count`), the symbols (`count.0`, `count.1`). What stands for its content is left out, and what has no name.
 */
export function namesakes(object: Uint8Array, name: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  if (!isElf(object)) return found;
  const { symbols, sectionTable } = parseElf(object, name);
  for (let symbol = 1; symbol < symbols.firstGlobal; symbol++) {
    if (symbols.type(symbol) !== symbolType.object || !symbols.isDefined(symbol)) continue;
    const full = symbols.name(symbol);
    const base = /^(.+)\.\d+$/.exec(full)?.[1];
    const section = sectionTable.name(symbols.section(symbol));
    if (base === undefined || base === '__compound_literal' || isPerFunctionStatic(full, section)) continue;
    found.set(base, [...(found.get(base) ?? []), full]);
  }
  return new Map([...found].filter(([, all]) => all.length > 1));
}
