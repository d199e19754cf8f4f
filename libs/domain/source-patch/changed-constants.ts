// SPDX-License-Identifier: GPL-2.0-only
import type { ChangedFile } from './authors-places';
import { literalOrComment } from './confined-change';

/** A macro that stands for a value, and for another one with a diff. */
export interface ChangedConstant {
  readonly file: string;
  /** 1-based, of the file as the diff leaves it. */
  readonly line: number;
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

interface Definition {
  readonly line: number;
  readonly value: string;
}

/**
 * The constants that a diff gives another value by `#define`, in the order of the file: debug information has no trace of
 * them. Told from the text, so one that is only written in another way counts, too.
 */
export function changedConstants({ file, before, after }: ChangedFile): ChangedConstant[] {
  const [olds, news] = [definitionsIn(before ?? ''), definitionsIn(after ?? '')];
  return [...news].flatMap(([name, definitions]) => {
    const was = (olds.get(name) ?? []).map(({ value }) => value);
    const fresh = definitions.find(({ value }) => !was.includes(value));
    const gone = was.find((value) => !definitions.some((one) => one.value === value));
    if (fresh === undefined || gone === undefined || !(isConstant(fresh.value) || isConstant(gone))) return [];
    return [{ file, line: fresh.line, name, before: gone, after: fresh.value }];
  });
}

/** By name; several where conditions choose between them. Those with parameters are code. */
function definitionsIn(source: string): Map<string, Definition[]> {
  const found = new Map<string, Definition[]>();
  const text = source.replace(literalOrComment, (part) => (part.startsWith('/') ? part.replace(/[^\n]/g, ' ') : part));
  let [line, counted] = [1, 0];
  for (const match of text.matchAll(/^[ \t]*#[ \t]*define[ \t]+(\w+)(?![\w(])((?:[^\n\\]|\\\n|\\.)*)/gm)) {
    const [, name = '', value = ''] = match;
    line += text.slice(counted, match.index).split('\n').length - 1;
    counted = match.index;
    const definition = {
      line,
      value: value
        .replace(/\\\n|\s+/g, ' ')
        .replace(/\s+/g, ' ')
        .trim(),
    };
    if (definition.value !== '') found.set(name, [...(found.get(name) ?? []), definition]);
  }
  return found;
}

/** Words that constants consist of beside numbers: other constants, macros like BIT(), and types that they are cast to. */
const constantWord =
  /^(?:[A-Z_][A-Z0-9_]*|[su](?:8|16|32|64)|__[usbl]e?\d+|\w+_t|__force|unsigned|signed|char|short|int|long|sizeof)$/;

function isConstant(value: string): boolean {
  const rest = value.replace(/'(?:[^'\\]|\\.)+'|\b0[xX][\da-fA-F]+[uUlL]*\b|\b\d+[uUlL]*\b/g, '0');
  if (!/^[\w\s()<>|&~+\-*/%^!?:=,]*$/.test(rest)) return false;
  return (rest.match(/[A-Za-z_]\w*/g) ?? []).every((word) => constantWord.test(word));
}

/** For people. */
export const describeConstant = ({ file, line, name, before, after }: ChangedConstant, readers: number): string =>
  `${file}:${line}: ${name} is ${after}, and was ${before}. Every object of this kernel build that reads it (${readers}) is ` +
  'compiled and compared again; what they stored keeps the old value, so do code from elsewhere (other modules, programs) ' +
  'and, until the transition ends, old code that still runs. Debug information knows no macros, so nobody sees that here: ' +
  'make sure that nothing which lives on holds it';
