// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { revisionOf, withNews, type NodesPage } from './node-news';

const node = (name: string, agentVersion = '1') => ({ name, agentVersion });
const pages: NodesPage[] = [
  { nodes: [node('a'), node('b')], nextPageToken: 'after-b', revision: 7 },
  { nodes: [node('c')], nextPageToken: 'after-c', revision: 5 },
];
const rowsOf = (some: readonly NodesPage[]) =>
  some.flatMap(({ nodes = [] }) => nodes.map(({ name, agentVersion }) => `${name ?? ''}${agentVersion ?? ''}`));

describe('a list with what is new', () => {
  test('has rows as they are told, in the order that it has', () => {
    const { pages: after, isIncomplete } = withNews(pages, { revision: 8, nodes: [node('c', '2'), node('a', '3')] }, 9);
    expect(rowsOf(after)).toEqual(['a3', 'b1', 'c2']);
    expect(isIncomplete).toBe(false);
  });

  test('has the order that is told, and goes on where it ended', () => {
    const { pages: after, isIncomplete } = withNews(pages, { revision: 8, listed: { names: ['c', 'a', 'b'] } }, 9);
    expect(rowsOf(after)).toEqual(['c1', 'a1', 'b1']);
    expect(after.map(({ nextPageToken }) => nextPageToken)).toEqual(['after-b', 'after-c']);
    expect(isIncomplete).toBe(false);
  });

  test('asks for more where others are listed than it knows: who came is shown, who is gone is not', () => {
    const came = withNews(pages, { revision: 8, nodes: [node('aa')], listed: { names: ['a', 'aa', 'b'] } }, 3);
    expect([rowsOf(came.pages), came.isIncomplete]).toEqual([['a1', 'aa1', 'b1'], true]);
    const gone = withNews(pages, { revision: 8, listed: { names: ['a', 'c'] } }, 9);
    expect([rowsOf(gone.pages), gone.isIncomplete]).toEqual([['a1', 'c1'], true]);
    const unknown = withNews(pages, { revision: 8, listed: { names: ['a', 'b', 'x'] } }, 9);
    expect([rowsOf(unknown.pages), unknown.isIncomplete]).toEqual([['a1', 'b1'], true]);
    expect(rowsOf(withNews(pages, { revision: 8, listed: {} }, 9).pages)).toEqual([]);
  });
});

test('rows behind those that a stream tells of stay, and what it tells next is what they do not know yet', () => {
  const { pages: after, isIncomplete } = withNews(pages, { revision: 8, listed: { names: ['b', 'a'] } }, 2);
  expect([rowsOf(after), isIncomplete]).toEqual([['b1', 'a1', 'c1'], false]);
  expect(revisionOf(after)).toBe(5);
  expect(revisionOf(withNews(pages, { revision: 8, listed: { names: ['b', 'a', 'c'] } }, 3).pages)).toBe(8);
});

test('a stream goes on after the page that is oldest', () => {
  expect(revisionOf(pages)).toBe(5);
});
