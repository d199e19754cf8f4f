// SPDX-License-Identifier: GPL-2.0-only
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
  return [...different.before, ...different.after].some(
    (item) => otherDirective.test(item) || typeBody.test(item) || declaringMacro.test(item),
  );
}
