// SPDX-License-Identifier: GPL-2.0-only
import { regionsOf, type Region } from './line-numbers';

/** What a diff's author wrote: the function, variable or type that it changes, and where. */
export interface AuthorsPlace {
  readonly file: string;
  /** 1-based, of the file as the diff leaves it; of the file before for what the diff takes away. */
  readonly line: number;
  /** Its name; empty outside of anything that has one. */
  readonly item: string;
}

/** A file without and with a diff, in latin1; null where there is none. */
export interface ChangedFile {
  readonly file: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** Each function, variable or type that differs, in the order of the file; what is taken away whole comes last. */
export function placesIn({ file, before, after }: ChangedFile): AuthorsPlace[] {
  const [old, now] = [regionsOf(before ?? ''), regionsOf(after ?? '')];
  const gone = without(old, now);
  const fresh = without(now, old);
  const [goneLines, freshLines] = [linesOf(gone), linesOf(fresh)];
  // Where blanks alone change, or what stands together, no line is lost and none is new.
  const losing = new Map(
    gone.filter(({ text }) => newLine(text, freshLines) >= 0).map((one) => [nameIn(one.text), one]),
  );
  const places = fresh.flatMap(({ text, firstLine }): AuthorsPlace[] => {
    const at = newLine(text, goneLines);
    const isLess = losing.delete(nameIn(text));
    const item = nameAt(text, Math.max(at, 0));
    return at < 0 && !isLess ? [] : [{ file, line: firstLine + Math.max(at, 0), item }];
  });
  const removed = Array.from(losing, ([item, { firstLine }]): AuthorsPlace => ({ file, line: firstLine, item }));
  return [...places, ...removed];
}

function without(regions: readonly Region[], others: readonly Region[]): Region[] {
  const known = new Set(others.map(({ text }) => text));
  return regions.filter(({ text }) => !known.has(text));
}

const linesOf = (regions: readonly Region[]): Set<string> => new Set(regions.flatMap(({ text }) => text.split('\n')));

/** Index of the first line that is none of these; -1 if there is none. */
const newLine = (text: string, known: ReadonlySet<string>): number =>
  text.split('\n').findIndex((line) => line.trim() !== '' && !known.has(line));

/** Comments and literals, which may have any characters in them. */
const quoted = /\/\*(?:[^*]|\*(?!\/))*\*\/|\/\/.*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g;

/** Variables may stand line by line with nothing between them: the name of the one whose line it is (0-based). */
function nameAt(text: string, line: number): string {
  const lines = text.replace(quoted, (found) => found.replace(/[^\n]/g, ' ')).split('\n');
  let depth = 0;
  let start = 0;
  for (const [index, code] of lines.slice(0, line).entries()) {
    for (const character of code) {
      if (character === '{' || character === '(') depth++;
      else if (character === '}' || character === ')') depth--;
    }
    if (depth === 0 && /[;}]\s*$/.test(code)) start = index + 1;
  }
  const name = nameIn(text.split('\n').slice(start).join('\n'));
  return name === '' ? nameIn(text) : name;
}

/** The source text of a function, variable or type; undefined where the file has none of that name. */
export const textOfItem = (source: string, item: string): string | undefined =>
  regionsOf(source).find(({ text }) => nameIn(text) === item)?.text;

/** Comments and directives before it say nothing of what it is. */
const leading = /^(?:\s+|\/\*(?:[^*]|\*(?!\/))*\*\/|\/\/.*|#(?:.*\\\n)*.*)+/;

/** What a region defines: its name, or nothing. */
export function nameIn(region: string): string {
  const text = region.replace(leading, '').replace(/__attribute__\s*\(\(.*?\)\)/g, '');
  const type = /^(?:typedef\s+)?(?:struct|union|enum)\s+(\w+)\s*\{/.exec(text)?.[1];
  if (type !== undefined) return type;
  if (text === '') return /^#\s*define\s+(\w+)/m.exec(region)?.[1] ?? '';
  const [head = ''] = text.split(/[{;=]/, 1);
  const call = /(\w+)\s*\(/.exec(head);
  const defined = /^\w*(?:DEFINE|SYSCALL)\w*$/.test(call?.[1] ?? '') ? /\(\s*(\w+)/.exec(head)?.[1] : call?.[1];
  // `static int value __read_mostly`, `char name[16]`
  return defined ?? /(\w+)(?:\s*\[[^\]]*\])*\s*(?:__\w+\s*)*$/.exec(head)?.[1] ?? '';
}

/** What a refusal is about. */
export interface Subject {
  /** The function, variable or type that cannot be changed; undefined where it is not one alone. */
  readonly item: string | undefined;
  /** The source of the object that it is in. */
  readonly source: string | undefined;
}

/**
 * What of a diff makes that differ: the author's own change of it, else what it mentions (an inline function, a macro), else
 * all of its source, else all of the diff.
 */
export function placesFor(subject: Subject, files: readonly ChangedFile[]): AuthorsPlace[] {
  const all = files.flatMap(placesIn);
  const item = subject.item?.replace(/\..*$/, '');
  const own = all.filter((place) => item !== undefined && place.item === item);
  if (own.length > 0) return own;
  const text = files.find(({ file }) => file === subject.source)?.after ?? '';
  const words = new Set((item === undefined ? undefined : textOfItem(text, item))?.match(/\w+/g));
  const mentioned = all.filter(({ item: name }) => words.has(name));
  if (mentioned.length > 0) return mentioned;
  const inSource = all.filter(({ file }) => file === subject.source);
  return inSource.length > 0 ? inSource : all;
}
