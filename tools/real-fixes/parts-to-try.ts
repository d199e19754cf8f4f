// SPDX-License-Identifier: GPL-2.0-only

/**
 * How modules that were tried together, which did not go well, are tried again: the ones that the words name alone and the rest
 * together, for each trial takes minutes; where none or all are named, one half after the other.
 */
export function partsToTry<Named extends { readonly name: string }>(
  modules: readonly Named[],
  problem: string,
): (readonly Named[])[] {
  const words = new Set(problem.match(/\w+/g));
  const named = modules.filter(({ name }) => words.has(name));
  if (named.length > 0 && named.length < modules.length) {
    return [modules.filter(({ name }) => !words.has(name)), ...named.map((one) => [one])];
  }
  const half = modules.length >> 1;
  return [modules.slice(0, half), modules.slice(half)];
}
