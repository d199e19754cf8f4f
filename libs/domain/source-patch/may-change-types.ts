// SPDX-License-Identifier: GPL-2.0-only
import { nameIn } from './authors-places';
import { onlyInOne } from './c-items';
import { itemTexts } from './confined-change';

/** Directives that can lead to other types; conditions have what they choose from inside. */
const otherDirective = /^\s*#\s*(?:define|undef|include|pragma|if|ifdef|ifndef|elif|else)\b/m;

/** A struct, union or enum with its body; initialisers and function bodies have `=` or `)` before the brace. */
const typeBody = /\b(?:struct|union|enum)\b[^;(){}=]*\{|\btypedef\b/;

/** What tracepoints and the like are declared by. */
const declaringMacro = /^\w*(?:EVENT|TRACE|TYPE|STRUCT)\w*\s*\(/;

/**
 * Whether a file may define types in another way than before: false only where all that differs are functions,
 * prototypes and variables without one in them. From the text alone, and quick.
 */
export function mayChangeTypes(before: string, after: string): boolean {
  if (before === after) return false;
  const different = onlyInOne(itemTexts(before), itemTexts(after));
  if (different === undefined) return true;
  const { before: olds, after: news } = different;
  const mayDefine = (item: string): boolean =>
    otherDirective.test(item) || typeBody.test(item) || declaringMacro.test(item);
  return [...olds, ...news].some(mayDefine) || isAnyDeclaredAnew(olds, news);
}

/** Whether a variable that stays is declared in another way: what is in it stays, too. */
function isAnyDeclaredAnew(olds: readonly string[], news: readonly string[]): boolean {
  const declared = new Map(olds.flatMap(declarationIn));
  return news.flatMap(declarationIn).some(([name, head]) => (declared.get(name) ?? head) !== head);
}

/** A static variable of a function: its type, with the size of an array, and its name. */
const staticLocal = /\bstatic\s+([^;={}()]*?)(\w+)((?:\s*\[[^\]]*\])*)\s*[=;]/g;

/** Name and declaration of what is a variable, and of those that functions keep. */
function declarationIn(item: string): (readonly [string, string])[] {
  const perCpu = /^(?:static\s+)?\w*PER_CPU\w*\s*\([^=]*?(\w+)\s*\)/.exec(item);
  if (perCpu !== null) return [[perCpu[1] ?? '', perCpu[0]]];
  const [head = ''] = item.split(/[=;{]/, 1);
  if (!/\w\s*\((?!\()/.test(head)) return [[nameIn(item), head.trim()]];
  const owner = nameIn(item);
  return Array.from(item.slice(head.length).matchAll(staticLocal), ([, type = '', name = '', size = '']) => [
    `${owner}.${name}`,
    `${type.trim()} ${size}`,
  ]);
}
