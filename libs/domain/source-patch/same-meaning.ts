// SPDX-License-Identifier: GPL-2.0-only
import { inertOf, itemsOf, onlyInOne, textOf, type Item } from './c-items';

/** More functions than this that call each other: they are not worth the search. */
const searchLimit = 64;

/**
 * Whether two versions of a preprocessed source (latin1) must give the same code: they differ at most in inline functions and in
 * prototypes that nothing else in the source names. A `true` is sure; a `false` is not, and the compiler must tell.
 */
export function meansTheSame(before: string, after: string): boolean {
  const [head, tail] = commonEnds(before, after);
  if (head === before.length && head === after.length) return true;
  const items = itemsOf(after, 0);
  // What ends before the first difference ends in both, and both scans are in the same state there. An item that the end
  // of the text cuts off may go on in the other.
  const first = items.findIndex(({ end }) => end >= head);
  const from = (first < 0 ? items.at(-1) : items[first - 1])?.end ?? 0;
  const [middle, rest] = until(after.length - tail, after, items);
  const [middleBefore, restBefore] = until(before.length - tail, before, itemsOf(before, from));
  // Both must be in step again where what they have in common begins.
  if (rest !== restBefore) return false;
  const different = onlyInOne(
    middleBefore.map((item) => textOf(before, item)),
    middle.filter(({ start }) => start >= from).map((item) => textOf(after, item)),
  );
  if (different === undefined) return false;
  const names = [...different.before, ...different.after].map((text) => inertOf(text)?.name);
  return names.every((name) => name !== undefined) && !isReached(after, items, names);
}

/** The items that begin before a place, and how much text there is from the next one on. */
function until(place: number, text: string, items: readonly Item[]): [before: Item[], rest: number] {
  const next = items.find(({ start }) => start >= place);
  return [items.filter(({ start }) => start < place), text.length - (next?.start ?? text.length)];
}

/** Compared at once: much faster than one by one, and there are millions. */
const stride = 4096;

/** How many characters they have in common at the start, and at the end of the rest. */
function commonEnds(before: string, after: string): [head: number, tail: number] {
  const shorter = Math.min(before.length, after.length);
  const beginAlike = (from: number, to: number): boolean => before.startsWith(after.slice(from, to), from);
  let head = 0;
  while (head + stride <= shorter && beginAlike(head, head + stride)) head += stride;
  while (head < shorter && beginAlike(head, head + 1)) head += 1;
  const endAlike = (from: number, to: number): boolean =>
    before.endsWith(after.slice(after.length - to, after.length - from), before.length - from);
  let tail = 0;
  while (tail + stride <= shorter - head && endAlike(tail, tail + stride)) tail += stride;
  while (tail < shorter - head && endAlike(tail, tail + 1)) tail += 1;
  return [head, tail];
}

/** Whether anything but these, and inline functions and prototypes that nothing else names either, names one of them. */
function isReached(text: string, items: readonly Item[], names: readonly string[]): boolean {
  const found = new Set(names);
  for (const name of found) {
    for (const item of itemsThatName(text, items, name)) {
      const user = inertOf(textOf(text, item));
      if (user === undefined || found.size >= searchLimit) return true;
      found.add(user.name);
    }
  }
  return false;
}

function* itemsThatName(text: string, items: readonly Item[], name: string): Generator<Item> {
  let index = 0;
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at)) {
    const end = at + name.length;
    if (isWordCharacter(text[at - 1]) || isWordCharacter(text[end])) {
      at = end;
      continue;
    }
    while ((items[index]?.end ?? text.length) <= at) index += 1;
    const item = items[index];
    if (item !== undefined) yield item;
    at = item?.end ?? end;
  }
}

const isWordCharacter = (character = ''): boolean => /[\w$]/.test(character);

/**
 * Of a preprocessed source: the inline functions that nothing in it calls, be it through others. Whatever is changed in
 * their bodies, its code stays the same.
 */
export function unreachedFunctions(text: string): string[] {
  const functions = new Map<string, Item[]>();
  const roots: Item[] = [];
  for (const item of itemsOf(text, 0)) {
    const inert = inertOf(textOf(text, item));
    if (inert === undefined) roots.push(item);
    else if (inert.kind === 'function') functions.set(inert.name, [...(functions.get(inert.name) ?? []), item]);
  }
  const unreached = new Set(functions.keys());
  for (const item of roots) {
    for (const [name] of text.slice(item.start, item.end).matchAll(/[A-Za-z_$][\w$]*/g)) {
      if (unreached.delete(name)) roots.push(...(functions.get(name) ?? []));
    }
  }
  return [...unreached].sort();
}
