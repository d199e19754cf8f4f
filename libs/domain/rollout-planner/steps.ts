// SPDX-License-Identifier: GPL-2.0-only

/**
 * What takes long for thousands of nodes, in steps: whoever has other things to do as well does them in between. Nothing of
 * it can be seen before it is done.
 */
export type Steps<T> = Generator<undefined, T, undefined>;

/** All of them, one after the other. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Some milliseconds' work. */
const nodesInStep = 1_000;

/** What `map` makes of each, some of them in each step. */
export function* mapInSteps<T, R>(items: readonly T[], map: (item: T) => R): Steps<R[]> {
  const mapped: R[] = [];
  for (const item of items) {
    mapped.push(map(item));
    if (mapped.length % nodesInStep === 0) yield;
  }
  return mapped;
}
