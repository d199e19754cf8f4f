// SPDX-License-Identifier: GPL-2.0-only
import { setFlagsFromString } from 'node:v8';

/** By so much of what was in use V8's heap may grow before all of it is collected. */
export const heapGrowthFlag = '--heap-growing-percent=40';

/**
 * V8 lets a heap grow up to fourfold where the machine has memory. Of a program that keeps a lot, and has each part of it replaced now and
 * then, most of what it holds would be what nobody needs any more.
 */
export function collectEarly(): void {
  setFlagsFromString(heapGrowthFlag);
}
