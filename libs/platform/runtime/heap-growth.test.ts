// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { heapGrowthFlag } from './heap-growth';

/**
 * Keeps a lot, and replaces it time and again. Prints how often all of the heap was collected. So many rounds, because a collection beside
 * the program ends when the machine has time for it: of the first few, one more or less says nothing.
 */
const program = `
const { PerformanceObserver, constants } = require('node:perf_hooks');
if (process.argv[1]) require('node:v8').setFlagsFromString(process.argv[1]);
let collections = 0;
new PerformanceObserver((list) => {
  for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) collections += 1;
}).observe({ entryTypes: ['gc'] });
const kept = Array.from({ length: 100_000 }, (_, a) => ({ a, b: [a, a] }));
const replaced = new Array(100_000);
let round = 0;
const next = () => {
  for (let at = 0; at < replaced.length; at += 1) replaced[at] = { at, b: [at, { round }] };
  round += 1;
  if (round < 60) setTimeout(next, 1);
  else setTimeout(() => console.log(kept.length > 0 ? collections : 0), 10);
};
next();
`;

const collectionsWith = (flag: string): number =>
  Number(execFileSync(process.execPath, ['-e', program, '--', flag], { encoding: 'utf8' }));

test('what is replaced time and again is collected before the heap is a multiple of what is kept', () => {
  expect(collectionsWith(heapGrowthFlag)).toBeGreaterThan(collectionsWith(''));
});
