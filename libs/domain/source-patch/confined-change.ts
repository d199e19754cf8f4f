// SPDX-License-Identifier: GPL-2.0-only
import { inertOf, itemsOf, onlyInOne, textOf } from './c-items';

/**
 * The inline functions of a header whose bodies are all that differs between two versions of it; undefined where more
 * does, or where that cannot be told from the text alone.
 */
export function changedInlineFunctions(before: string, after: string): Set<string> | undefined {
  const different = onlyInOne(itemTexts(before), itemTexts(after));
  if (different?.before.length !== different?.after.length) return undefined;
  const names = new Set<string>();
  for (const [index, was] of (different?.before ?? []).entries()) {
    const is = different?.after[index] ?? '';
    const [old, now] = [inertOf(was), inertOf(is)];
    const isBodyAlone = old?.kind === 'function' && now?.kind === 'function' && old.head === now.head;
    // What the preprocessor takes out or puts in there is for the preprocessor to say.
    if (!isBodyAlone || `${was}${is}`.includes('#')) return undefined;
    names.add(old.name);
  }
  return different === undefined ? undefined : names;
}

/** Directives stand for items of their own, comments for nothing. */
export function itemTexts(source: string): string[] {
  const text = withoutComments(source).replace(/^#line \d+$/gm, '');
  const texts: string[] = [];
  for (const item of itemsOf(text, 0)) {
    let rest = text.slice(item.start, item.end);
    // Before what it begins with; those inside stay part of it.
    for (;;) {
      const [all, directive] = /^\s*(#(?:[^\n\\]|\\\n|\\.)*)(?:\n|$)/.exec(rest) ?? [];
      if (all === undefined || directive === undefined) break;
      texts.push(directive);
      rest = rest.slice(all.length);
    }
    const trimmed = textOf(rest, { start: 0, end: rest.length });
    if (trimmed !== '') texts.push(trimmed);
  }
  return texts;
}

/** What in C hides other text from whoever looks for words. */
export const literalOrComment = /"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*'|\/\*[^]*?\*\/|\/\/(?:[^\n\\]|\\[^])*/g;

const withoutComments = (source: string): string =>
  source.replace(literalOrComment, (text) => (text.startsWith('/') ? ' ' : text));
