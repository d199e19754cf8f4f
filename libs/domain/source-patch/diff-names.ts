// SPDX-License-Identifier: GPL-2.0-only
import type { DiffLines } from './diff-lines';

const escapes: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', t: '\t', n: '\n', v: '\v', f: '\f', r: '\r', '"': '"', '\\': '\\' },
};

/** A name as git quotes it (`"a/caf\303\251.c"`), in latin1; undefined where the text does not begin with one. */
function quotedName(text: string): { name: string; length: number } | undefined {
  const match = /^"((?:[^"\\]|\\(?:[0-3][0-7]{2}|[abtnvfr"\\]))*)"/.exec(text);
  if (match === null) return undefined;
  const name = (match[1] ?? '').replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (escapes[code] ?? code),
  );
  return { name, length: match[0].length };
}

/** What stands behind `--- `, without its time stamp. */
function bareName(text: string): string {
  // A tab, or two blanks as some tools write it, ends the name; a time stamp follows. Blanks are looked at once each.
  const ended = (text.split('\t')[0] ?? '').replace(/(?<! ) {2,}\d{4}-.*$/, '').trim();
  return quotedName(ended)?.name ?? ended;
}

/** `diff -N` names a file that is not there, and dates it to the epoch in the writer's time zone. */
function isBeginningOfTime(headerLine: string): boolean {
  const stamp = /\t(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.0+)? ([+-]\d\d)(\d\d)$/.exec(headerLine);
  return stamp !== null && Date.parse(`${stamp[1] ?? ''}T${stamp[2] ?? ''}${stamp[3] ?? ''}:${stamp[4] ?? ''}`) === 0;
}

/** How many leading parts of a name are not part of its path: 0 for what `diff.noprefix` wrote. */
export type Prefix = 0 | 1;

/** The path that a `---` or `+++` line names; null for a file that is not there. @throws LockstepError `diff-syntax` */
export function pathInHeader(headerLine: string, prefix: Prefix, lines: DiffLines): string | null {
  const name = bareName(headerLine.slice(4));
  if (name === '/dev/null' || isBeginningOfTime(headerLine)) return null;
  return pathIn(name, prefix, lines);
}

/** Whether a `---` or `+++` line names this path, whatever its prefix. */
export function isNameOf(headerLine: string, path: string): boolean {
  const name = textOf(bareName(headerLine.slice(4)));
  return name === path || name.endsWith(`/${path}`);
}

/** The path that `rename from` and its like name: they have no prefix. @throws LockstepError `diff-syntax` */
export function pathInRename(name: string, lines: DiffLines): string {
  return pathIn(quotedName(name)?.name ?? name, 0, lines);
}

/** Of one name on file systems of Linux; of a path no more than leaves room for wherever the tree lies. */
const longestNameBytes = 255;
const longestPathBytes = 1024;

function pathIn(name: string, prefix: Prefix, lines: DiffLines): string {
  const slash = prefix === 0 ? -1 : name.indexOf('/');
  if (prefix === 1 && slash <= 0) {
    throw lines.error(`"${name}" has no leading directory: make the diff with a/ and b/ prefixes (-p1)`, -1);
  }
  const path = name.slice(slash + 1);
  const parts = path.split('/');
  if (path.includes('\0') || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw lines.error(`"${name}" is not a path inside the tree`, -1);
  }
  // Each character is a byte here.
  if (path.length > longestPathBytes || parts.some((part) => part.length > longestNameBytes)) {
    throw lines.error(`"${name.slice(0, 60)}…" is longer than the path of a file can be`, -1);
  }
  return textOf(path);
}

/** Names are UTF-8, and the diff is read as latin1. */
const textOf = (latin1: string): string =>
  new TextDecoder().decode(Uint8Array.from(latin1, (character) => character.charCodeAt(0)));

export interface NamesInGitLine {
  /** What both sides are called below their prefix; undefined where they differ, as in a rename. */
  readonly name: string | undefined;
  readonly prefix: Prefix;
}

/** `diff --git a/f.c b/f.c`; with equal names on both sides there is no prefix. */
export function namesInGitLine(line: string): NamesInGitLine {
  const text = line.slice('diff --git '.length);
  const [left, right] = sidesOf(text) ?? [];
  if (left === undefined || right === undefined) return { name: undefined, prefix: 1 };
  if (left === right) return { name: left, prefix: 0 };
  const below = (name: string): string => name.slice(name.indexOf('/') + 1);
  return { name: below(left) === below(right) ? left : undefined, prefix: 1 };
}

/** A name may hold blanks: the two sides are as long as each other where the file keeps its name. */
function sidesOf(text: string): [left: string, right: string] | undefined {
  const first = quotedName(text);
  if (first !== undefined) {
    const rest = text.slice(first.length + 1);
    return [first.name, quotedName(rest)?.name ?? rest];
  }
  const middle = (text.length - 1) / 2;
  return text[middle] === ' ' ? [text.slice(0, middle), text.slice(middle + 1)] : undefined;
}
