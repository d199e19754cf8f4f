// SPDX-License-Identifier: GPL-2.0-only

/** What a reference in code or data means, for people. */
export interface ReferenceName {
  readonly kind: 'function' | 'variable' | 'string' | 'constant' | 'symbol' | 'section' | 'unclear';
  /** The symbol's or section's name; a string's text; a constant's bytes in hex. */
  readonly name: string;
  /** How far behind its start (bytes): 0 for calls and strings. */
  readonly offset: number;
}

/** One difference between two builds of the same code or data. Offsets are bytes from its start. Plain data. */
export type Difference =
  | { readonly kind: 'size'; readonly before: number; readonly after: number }
  /** The number in an instruction. */
  | { readonly kind: 'number'; readonly offset: number; readonly before: number; readonly after: number }
  /** Instructions (in data: single bytes) in hex. */
  | { readonly kind: 'bytes'; readonly offset: number; readonly before: string; readonly after: string }
  /** null: there is none at this place in that build. */
  | {
      readonly kind: 'reference';
      readonly offset: number;
      readonly before: ReferenceName | null;
      readonly after: ReferenceName | null;
    }
  /** A function (or what it is made of) that changes and cannot be redirected itself: it is carried anew. */
  | { readonly kind: 'callee'; readonly offset: number; readonly name: string }
  /** Entries of a table of code sites; `entry` counts from 1, null where there are more or fewer of them. */
  | {
      readonly kind: 'table';
      readonly table: string;
      readonly entry: number | null;
      readonly before: number;
      readonly after: number;
    };

/** Why a function counts as changed. `cold`: the difference is in the part that the compiler moved away from it. */
export interface ChangeReason {
  readonly part: 'function' | 'cold';
  readonly difference: Difference;
}

const hex = (value: number) => `0x${value.toString(16)}`;

function describeReference({ kind, name, offset }: ReferenceName): string {
  const place = offset === 0 ? '' : offset > 0 ? `+${hex(offset)}` : `-${hex(-offset)}`;
  switch (kind) {
    case 'string':
      return JSON.stringify(name);
    case 'constant':
      return `the constant ${name}`;
    case 'section':
      return `section ${name}${place}`;
    case 'function':
    case 'variable':
    case 'symbol':
      return `${name}${place}`;
    case 'unclear':
      return name;
  }
}

/** `at +0x12 the number 1 became 2`. */
export function describeDifference(difference: Difference): string {
  switch (difference.kind) {
    case 'size':
      return `size ${difference.before} became ${difference.after} bytes`;
    case 'number':
      return `at +${hex(difference.offset)} the number ${difference.before} became ${difference.after}`;
    case 'bytes':
      return `at +${hex(difference.offset)} ${difference.before} became ${difference.after}`;
    case 'reference': {
      const { offset, before, after } = difference;
      const [old, now] = [before, after].map((name) => (name === null ? 'no reference' : describeReference(name)));
      return `at +${hex(offset)} ${old ?? ''} became ${now ?? ''}`;
    }
    case 'callee':
      return `at +${hex(difference.offset)} it uses ${difference.name}, which changes and cannot be redirected itself`;
    case 'table': {
      const { table, entry, before, after } = difference;
      return entry === null
        ? `${table} has ${after} entries where it had ${before}`
        : `${table} entry ${entry} differs`;
    }
  }
}

/** One line for people. */
export function describeReason({ part, difference }: ChangeReason): string {
  return `${part === 'cold' ? 'cold part: ' : ''}${describeDifference(difference)}`;
}
