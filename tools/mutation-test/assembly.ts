// SPDX-License-Identifier: GPL-2.0-only

/** A function as the compiler wrote it, without what does not matter. */
export interface AssemblyFunction {
  /** Without numbers of clones; several of one name have their rank behind it. */
  readonly name: string;
  readonly section: string;
  readonly isGlobal: boolean;
  /** Whether it begins with a call of ftrace. */
  readonly hasFentry: boolean;
  /** Labels numbered anew, constants in place of their labels. */
  readonly text: string;
  /** Every symbol-like word of it, numbers removed. */
  readonly words: ReadonlySet<string>;
}

export interface Assembly {
  readonly functions: ReadonlyMap<string, AssemblyFunction>;
  /** Variables by name, as text. */
  readonly variables: ReadonlyMap<string, string>;
  /** Other names of functions: `init_module` → the function it is. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** `count.5` → `count`, `work.isra.0` → `work.isra`, `__UNIQUE_ID_x123` → `__UNIQUE_ID_x`. */
export const withoutNumbers = (text: string) =>
  text.replace(/(?<=[A-Za-z_]\w*)\.\d+\b/g, '').replace(/(__UNIQUE_ID_\w*?)\d+\b/g, '$1');

/**
 * Reads gcc's assembly listing function by function: a way to tell what changed that shares nothing with the differ
 * (no object file, no relocations).
 */
export function readAssembly(listing: string): Assembly {
  const lines = listing.split('\n');
  const data = readData(lines);
  const constants = new Map([...data].filter(([name]) => /^\.LC\d+$/.test(name)));
  const statics = [...data].filter(([name]) => ownStatic.test(name));
  const inFunctions = new Map<string, readonly string[]>([
    ...constants,
    ...statics.map(([name, directives]) => [name, [normalise(directives, constants)]] as const),
  ]);
  const globals = new Set(lines.flatMap((line) => /^\t\.globl\t(\S+)/.exec(line)?.[1] ?? []));
  const functions = new Map<string, AssemblyFunction>();
  const variables = new Map<string, string>();
  let section = '.text';
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    section = sectionOf(line) ?? section;
    const [, name, kind] = /^\t\.type\t([^,]+), @(function|object)$/.exec(line) ?? [];
    if (name === undefined) continue;
    if (kind === 'object') {
      const text = normalise(data.get(name) ?? [], inFunctions);
      if (!ownStatic.test(name)) variables.set(unique(variables, withoutNumbers(name)), text);
      continue;
    }
    const end = lines.findIndex((other, index) => index > at && other.startsWith(`\t.size\t${name}, `));
    if (end === -1) continue;
    const body = lines.slice(at, end);
    // Strings are defined between the instructions that use them: their text goes where it is used.
    const text = normalise(
      body.filter((line) => !/^\t\.string\b/.test(line)),
      inFunctions,
    );
    if (!/\.cold(\.|$)/.test(name)) {
      const key = unique(functions, withoutNumbers(name));
      const hasFentry = body.some((other) => /\bcall\t\*?__fentry__/.test(other));
      const words = new Set(text.match(/[A-Za-z_][\w.]*/g) ?? []);
      functions.set(key, { name: key, section, isGlobal: globals.has(name), hasFentry, text, words });
      // Its cold part and its tables lie between its own lines.
      at = end;
      section = lines.slice(0, end).reduce((last, other) => sectionOf(other) ?? last, section);
    }
  }
  const aliases = new Map(
    lines.flatMap((line) => {
      const [, alias, name] = /^\t\.set\t([^,]+),(\S+)$/.exec(line) ?? [];
      return alias === undefined || name === undefined ? [] : [[alias, withoutNumbers(name)] as const];
    }),
  );
  return { functions, variables, aliases };
}

function sectionOf(line: string): string | undefined {
  return /^\t\.section\t([^,\s]+)/.exec(line)?.[1] ?? /^\t(\.text|\.data|\.bss)$/.exec(line)?.[1];
}

function unique(known: ReadonlyMap<string, unknown>, name: string): string {
  let rank = 1;
  while (known.has(rank === 1 ? name : `${name}#${rank}`)) rank += 1;
  return rank === 1 ? name : `${name}#${rank}`;
}

/** What macros make for messages and the compiler for a switch: only the function that uses one says which it is. */
const ownStatic = /^(?:__msg|__func__|__PRETTY_FUNCTION__|descriptor|CSWTCH|__UNIQUE_ID_ddebug\d+)\.\d+$/;

/** The data directives behind each label: `.LC5`, `__msg.3`, `limit`. */
function readData(lines: readonly string[]): Map<string, string[]> {
  const data = new Map<string, string[]>();
  let label: string | undefined;
  for (const line of lines) {
    const found = /^([\w.$]+):$/.exec(line)?.[1];
    if (found !== undefined) label = found;
    else if (label !== undefined && /^\t\.(string|ascii|quad|long|zero|value|byte)\b/.test(line)) {
      const directives = data.get(label) ?? [];
      directives.push(line);
      data.set(label, directives);
    } else label = undefined;
  }
  return data;
}

const ofNoEffect =
  /^(#|\t\.(loc|file|cfi_|section\t\.rodata\.str|align|p2align)|\.LC\d+:|\t# |\s*$)|\.printk_index|\.discard\./;

function normalise(body: readonly string[], data: ReadonlyMap<string, readonly string[]>): string {
  const numbers = new Map<string, number>();
  const numberOf = (label: string) => {
    if (!numbers.has(label)) numbers.set(label, numbers.size);
    return `.L#${numbers.get(label) ?? 0}`;
  };
  const contentOf = (label: string) => {
    const directives = data.get(label);
    return directives === undefined ? label : `{${directives.join('')}}`;
  };
  return body
    .filter((line) => !ofNoEffect.test(line))
    .map((line) => line.replace(/\.LC\d+|\b(?:__\w+|CSWTCH)\.\d+/g, contentOf))
    .map((line) => withoutNumbers(line.replace(/\.L[A-Z]*\d+/g, numberOf)))
    .join('\n');
}
