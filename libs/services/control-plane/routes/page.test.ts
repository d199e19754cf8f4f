// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import type { PageRange, RowKey } from '@lockstep/io/database';
import { nameKey, numberKey, onePage, rowKey, type PagedRequest } from './page';

interface Row {
  readonly name: string;
}

/** Answers as a table in the order of its names does. */
const reading =
  (rows: readonly Row[]) =>
  ({ after, limit }: PageRange<string>): Row[] =>
    rows.filter(({ name }) => after === undefined || name > after).slice(0, limit);

const rowsNamed = (...names: string[]): Row[] => names.map((name) => ({ name }));

async function pages(rows: () => readonly Row[], pageSize: number): Promise<string[][]> {
  const found: string[][] = [];
  let pageToken: string | undefined;
  do {
    const page = await onePage({ pageSize, pageToken }, nameKey<Row>(), reading(rows()));
    found.push(page.items.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return found;
}

test.each([
  [1, [['a'], ['b'], ['c'], ['d']]],
  [
    2,
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  [3, [['a', 'b', 'c'], ['d']]],
  [4, [['a', 'b', 'c', 'd']]],
  [9, [['a', 'b', 'c', 'd']]],
])('pages of %d have everything once, and no page is empty', async (size, expected) => {
  expect(await pages(() => rowsNamed('a', 'b', 'c', 'd'), size)).toEqual(expected);
});

test('a list that is empty has one page', async () => {
  expect(await pages(() => [], 5)).toEqual([[]]);
});

test('what goes, or comes before, between two pages neither hides nor repeats another', async () => {
  const lists = [rowsNamed('b', 'c', 'd', 'e'), rowsNamed('a', 'b', 'd', 'e'), rowsNamed('a', 'e')];
  expect(await pages(() => lists.shift() ?? [], 2)).toEqual([
    ['b', 'c'],
    ['d', 'e'],
  ]);
});

test('a page has at most 1000 items, and 100 where nothing is said', async () => {
  const many = rowsNamed(...Array.from({ length: 3_000 }, (_, index) => String(index).padStart(5, '0')));
  const sizeOf = async (request: PagedRequest) => (await onePage(request, nameKey<Row>(), reading(many))).items.length;
  expect([await sizeOf({}), await sizeOf({ pageSize: 0 }), await sizeOf({ pageSize: 100_000 })]).toEqual([
    100, 100, 1_000,
  ]);
});

test('a place in a list is the same again after it was a token; another text is refused', async () => {
  const key: RowKey = { at: new Date(1_700_000_000_123), id: 'ab-12' };
  const rows = rowKey<RowKey>((row) => row);
  expect(rows.parse(rows.format(key))).toEqual(key);
  expect(numberKey().parse(numberKey().format(7))).toBe(7);
  await expect(onePage({ pageToken: 'nonsense' }, rows, () => [])).rejects.toMatchObject({
    reason: 'invalid-page-token',
  });
});
