// SPDX-License-Identifier: GPL-2.0-only
import { sectionFlag, symbolType, type ElfFile } from '@lockstep/domain/elf';

/** A function that tasks sleep in: it is on their stacks for as long as they do. */
export interface Sleeper {
  readonly name: string;
  /** What it calls, down to the scheduler: `schedule_timeout`; empty for what is the scheduler's own. */
  readonly through: readonly string[];
}

/** The scheduler's own doors: whoever calls one sleeps until somebody wakes it. To be preempted is no sleep. */
const doors =
  /^(?:(?:io_|freezable_)?schedule(?:_timeout|_hrtimeout|_preempt_disabled)?(?:_\w+)?|wait_for_completion(?:_\w+)?|wait_woken|do_wait_intr(?:_irq)?|bit_wait(?:_\w+)?|(?:__|out_of_line_)wait_on_bit(?:_\w+)?)$/;
const notDoors = /^schedule_(?:work|delayed|on_each|tail|debug)/;

const isDoor = (symbol: string): boolean => {
  const name = symbol.replace(/\..*$/, '');
  return doors.test(name) && !notDoors.test(name);
};

/**
 * The functions of an object that sleep, by the calls in its code: those that call the scheduler, and those that call
 * them. What is called through a pointer or in another object is not seen.
 */
export function sleepersIn(elf: ElfFile): ReadonlyMap<string, Sleeper> {
  const found = new Map<string, Sleeper>();
  if (!hasDoor(elf)) return found;
  const callers = callersOf(elf);
  const open: string[] = [];
  const add = (name: string, through: readonly string[]): void => {
    if (found.has(name)) return;
    found.set(name, { name, through });
    open.push(name);
  };
  for (const name of definedIn(elf))
    if (isDoor(name) || /^__schedule\b/.test(name)) found.set(name, { name, through: [] });
  for (const [callee, names] of callers) if (isDoor(callee)) for (const name of names) add(name, [callee]);
  for (const name of open) {
    const through = found.get(name)?.through ?? [];
    for (const caller of callers.get(name) ?? []) add(caller, [name, ...through]);
  }
  return found;
}

function hasDoor({ symbols }: ElfFile): boolean {
  for (let symbol = 1; symbol < symbols.count; symbol += 1) if (isDoor(symbols.name(symbol))) return true;
  return false;
}

const definedIn = (elf: ElfFile): string[] =>
  [...functionStarts(elf).values()].flatMap((functions) => functions.map(({ name }) => name));

/** By callee: who calls it. */
function callersOf(elf: ElfFile): Map<string, Set<string>> {
  const { symbols } = elf;
  const starts = functionStarts(elf);
  const callers = new Map<string, Set<string>>();
  for (const [section, functions] of starts) {
    const relocations = elf.relocationsOfIndex(section);
    for (let rank = 0; relocations !== null && rank < relocations.count; rank += 1) {
      const offset = relocations.offset(rank);
      const caller = functions.findLast(({ start }) => start <= offset);
      const symbol = relocations.symbol(rank);
      const target = symbols.isDefined(symbol) ? starts.get(symbols.section(symbol)) : undefined;
      // A call names the place four bytes before where it goes.
      const place = symbols.value(symbol) + relocations.addend(rank) + 4;
      const callee = symbols.isDefined(symbol)
        ? target?.find(({ start }) => start === place)?.name
        : symbols.name(symbol);
      if (caller === undefined || callee === undefined || callee === caller.name) continue;
      const known = callers.get(callee);
      if (known === undefined) callers.set(callee, new Set([caller.name]));
      else known.add(caller.name);
    }
  }
  return callers;
}

interface FunctionStart {
  readonly name: string;
  readonly start: number;
}

/** Of each code section, in order. A cold part counts as its function. */
function functionStarts({ symbols, sectionTable }: ElfFile): Map<number, FunctionStart[]> {
  const starts = new Map<number, FunctionStart[]>();
  for (let symbol = 1; symbol < symbols.count; symbol += 1) {
    if (symbols.type(symbol) !== symbolType.function || !symbols.isDefined(symbol)) continue;
    const section = symbols.section(symbol);
    if ((sectionTable.flags(section) & sectionFlag.exec) === 0) continue;
    const one = { name: symbols.name(symbol).replace(/\.cold\b.*$/, ''), start: symbols.value(symbol) };
    const list = starts.get(section);
    if (list === undefined) starts.set(section, [one]);
    else list.push(one);
  }
  for (const list of starts.values()) list.sort((left, right) => left.start - right.start);
  return starts;
}
