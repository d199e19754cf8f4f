// SPDX-License-Identifier: GPL-2.0-only
import type { SeededRandom } from '@lockstep/testing/seeded-random';

export const mutationKinds = ['constant', 'branch', 'string', 'call', 'static'] as const;
export type MutationKind = (typeof mutationKinds)[number];

export interface Mutation {
  readonly kind: MutationKind;
  /** Counts from 1. */
  readonly line: number;
  readonly before: string;
  readonly after: string;
  /** The whole source with the line changed; no line comes or goes. */
  readonly source: string;
}

/** Where in a line a mutation of one kind can be made, as the line that it makes. */
type Mutator = (line: string) => string[];

const each = (line: string, pattern: RegExp, put: (match: RegExpExecArray) => string): string[] =>
  [...line.matchAll(pattern)].map((match) => {
    return line.slice(0, match.index) + put(match) + line.slice(match.index + match[0].length);
  });

/** The condition of the `if` that begins at `open`, the place of its parenthesis; null where it goes on in the next line. */
function conditionEnd(line: string, open: number): number | null {
  let depth = 0;
  for (let at = open; at < line.length; at++) {
    if (line[at] === '(') depth += 1;
    else if (line[at] === ')' && --depth === 0) return at;
  }
  return null;
}

const mutators: Readonly<Record<MutationKind, Mutator>> = {
  constant: (line) => each(line, /(?<![\w."'])[1-9]\d{0,4}(?![\w."'])/g, ([number]) => String(Number(number) + 1)),
  branch: (line) =>
    [...line.matchAll(/\bif \(/g)].flatMap((match) => {
      const open = match.index + match[0].length - 1;
      const end = conditionEnd(line, open);
      return end === null ? [] : [`${line.slice(0, open)}(!${line.slice(open, end + 1)})${line.slice(end + 1)}`];
    }),
  string: (line) => each(line, /(?<=[(,] ?)"[^"\\%]{2,}/g, ([text]) => `${text}~`),
  call: (line) => each(line, /(?<=^\t+)return\b/g, () => '{ extern void dump_stack(void); dump_stack(); } return'),
  static: (line) =>
    each(
      line,
      /(?<=^\t+)return\b/g,
      () =>
        '{ extern void dump_stack(void); static int lockstep_count; if (++lockstep_count == 3) dump_stack(); } return',
    ),
};

/** Lines of function bodies, as kernel style shows them; no macros, which may be used in assembly or initialisers. */
function bodyLines(lines: readonly string[]): number[] {
  return lines.flatMap((line, index) => {
    const isMacro = line.endsWith('\\') || (lines[index - 1] ?? '').endsWith('\\');
    return /^\t+[^\s*/#"}.]/.test(line) && !isMacro && !line.includes('//') && !line.includes('/*') ? [index] : [];
  });
}

/** One change at a random place; null if the source has no place for one of the kind. */
export function mutateSource(source: string, kind: MutationKind, random: SeededRandom): Mutation | null {
  const lines = source.split('\n');
  const places = bodyLines(lines).filter((index) => mutators[kind](lines[index] ?? '').length > 0);
  if (places.length === 0) return null;
  const index = random.pick(places);
  const before = lines[index] ?? '';
  const after = random.pick(mutators[kind](before));
  lines[index] = after;
  return { kind, line: index + 1, before, after, source: lines.join('\n') };
}
