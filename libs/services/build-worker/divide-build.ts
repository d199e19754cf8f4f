// SPDX-License-Identifier: GPL-2.0-only

/** Up to here one worker does the whole build: dividing costs about as much as a few compilations. */
const undividedObjects = 16;
/** Small enough that workers end together, large enough that a part's own cost does not count. */
const objectsOfPart = 12;
/** Each carries the diffs: a change of half the kernel is no reason to copy them a hundred times. */
const maxParts = 48;

/** Runs of object paths for workers to share; one run if it is not worth sharing. The same for the same patch, anywhere. */
export function divideObjects(paths: readonly string[]): string[][] {
  if (paths.length <= undividedObjects) return [[...paths]];
  const size = Math.max(objectsOfPart, Math.ceil(paths.length / maxParts));
  return Array.from({ length: Math.ceil(paths.length / size) }, (_, index) =>
    paths.slice(index * size, (index + 1) * size),
  );
}
