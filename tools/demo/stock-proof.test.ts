// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { judgeStock, stockTable, type StockEvidence } from './stock-proof';

const release = '6.1.0-50-cloud-amd64';
const expected = { nodes: 2, position: 1, release };
const mended = (node: string, more: Partial<StockEvidence> = {}): StockEvidence => ({
  ...{ node, position: 1, release, isPatched: true, answer: 'EINVAL', longRunning: undefined },
  ...more,
});

test('all as it must be: one line that says so', () => {
  const all = [mended('node-1'), mended('node-2', { longRunning: 'EINVAL' })];
  const { line, deviations } = judgeStock(all, expected);
  expect(deviations).toEqual([]);
  expect(line).toContain(`2/2 nodes on Debian's own ${release} at position 1, mended`);
  expect(stockTable(all)).toMatch(/node-2.*yes.*EINVAL.*EINVAL/);
});

test.each([
  [{ position: 0 }, 'the position is 0, expected 1'],
  [{ release: '6.1.0-51-cloud-amd64' }, 'the kernel is 6.1.0-51-cloud-amd64'],
  [{ isPatched: false }, 'the module is not patched'],
  [{ answer: 'nothing' }, 'the answer to a short read is nothing'],
  [{ longRunning: 'nothing' }, 'the answer to the program that ran before is nothing'],
])('%p is told', (wrong, words) => {
  const { line, deviations } = judgeStock([mended('node-1'), mended('node-2', wrong)], expected);
  expect(deviations).toEqual([expect.stringContaining(`node-2: ${words}`)]);
  expect(line).toContain('1/2 nodes');
});

test('a machine that does not answer is told', () => {
  expect(judgeStock([mended('node-1')], expected).deviations).toEqual(['1 nodes answered, expected 2']);
});
