// SPDX-License-Identifier: GPL-2.0-only

/** What stands at the outermost level of C: a declaration, a definition, a type. */
export interface Item {
  readonly start: number;
  readonly end: number;
}

const codesOf = (characters: string): number[] => Array.from(characters, (character) => character.charCodeAt(0));
const [quote, apostrophe, backslash, semicolon] = codesOf(`"'\\;`);
const [openBrace, closeBrace, openParen, closeParen] = codesOf('{}()');
const space = 0x20;

/** The items of a text (latin1) without comments and directives, from a place where one begins. */
export function itemsOf(text: string, from: number): Item[] {
  const items: Item[] = [];
  let start = -1;
  let depth = 0;
  let isBody = false;
  let previous = 0;
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code <= space) continue;
    if (start < 0) start = at;
    if (code === quote || code === apostrophe) at = endOfLiteral(text, at);
    else if (code === openParen) depth += 1;
    else if (code === closeParen) depth -= 1;
    else if (code === openBrace) {
      if (depth === 0) isBody = previous === closeParen;
      depth += 1;
    } else if (code === closeBrace) depth -= 1;
    if (depth === 0 && (code === semicolon || (code === closeBrace && isBody))) {
      items.push({ start, end: at + 1 });
      start = -1;
    }
    previous = code;
  }
  if (start >= 0) items.push({ start, end: text.length });
  return items;
}

function endOfLiteral(text: string, start: number): number {
  const end = text.charCodeAt(start);
  let at = start + 1;
  for (let code = text.charCodeAt(at); at < text.length && code !== end; code = text.charCodeAt(at)) {
    at += code === backslash ? 2 : 1;
  }
  return at;
}

/** Where its lines end means nothing; spaces may be those of a string. Runs of them are looked at once each. */
export const textOf = (text: string, { start, end }: Item): string =>
  text
    .slice(start, end)
    .replace(/(?<!\s)\s*\n\s*/g, ' ')
    .trim();

/** What of two lists is in one of them alone; undefined where they differ in the order of the rest. */
export function onlyInOne(
  before: readonly string[],
  after: readonly string[],
): { before: string[]; after: string[] } | undefined {
  const [inBefore, inAfter] = [new Set(before), new Set(after)];
  const common = before.filter((text) => inAfter.has(text)).join('\n');
  if (common !== after.filter((text) => inBefore.has(text)).join('\n')) return undefined;
  return {
    before: before.filter((text) => !inAfter.has(text)),
    after: after.filter((text) => !inBefore.has(text)),
  };
}

/** Of what no code follows unless something names it. */
const harmlessAttributes = new Set([
  ...['always_inline', 'assume_aligned', 'cold', 'const', 'format', 'gnu_inline', 'hot', 'malloc', 'noinline'],
  ...['no_instrument_function', 'nonnull', 'noreturn', 'nothrow', 'pure', 'unused', 'warn_unused_result'],
]);

const attributes = /\b__attribute__ ?\(\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)\)/g;

function hasOnlyHarmlessAttributes(text: string): boolean {
  const names = Array.from(text.matchAll(attributes), ([, list = '']) =>
    list.replace(/\(.*?\)+/g, '').split(','),
  ).flat();
  return names.every((name) => harmlessAttributes.has(name.trim().replace(/^__|__$/g, '')));
}

/** What an item declares of which no code follows unless something else names it. */
export interface Inert {
  readonly name: string;
  readonly kind: 'function' | 'prototype';
  /** What stands before the body. */
  readonly head: string;
}

const inline = /\b(?:inline|__inline|__inline__|__always_inline)\b/;

/** A static inline function or a prototype; undefined for whatever else an item can be. */
export function inertOf(text: string): Inert | undefined {
  const head = text.split('{', 1)[0] ?? '';
  if (head !== text && !head.startsWith('static')) return undefined;
  const [, words = '', name, rest = ''] = /^([\w\s*]+[\s*])(\w+) ?(\(.*)$/.exec(head.replace(attributes, '')) ?? [];
  if (name === undefined || !hasOnlyHarmlessAttributes(head)) return undefined;
  if (/\b(?:typedef|asm|__asm|__asm__)\b/.test(`${words}${name}`)) return undefined;
  const afterParameters = rest.slice(endOfParameters(rest)).trim();
  const isInline = /\bstatic\b/.test(words) && inline.test(words);
  if (isInline && text.endsWith('}') && afterParameters === '') return { name, kind: 'function', head };
  return text === head && afterParameters === ';' ? { name, kind: 'prototype', head } : undefined;
}

function endOfParameters(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    if (text[at] === ')') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return text.length;
}
