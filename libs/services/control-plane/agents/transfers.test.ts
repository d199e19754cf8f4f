// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import { Transfers } from './transfers';

const nodeOf = (index: number) => parseNodeName(`n${index}`);

/** A download that gives one chunk, and then waits to be ended. */
class Download {
  private readonly chunks: AsyncGenerator<string>;
  end = (): void => undefined;
  hasBegun = false;

  constructor(transfers: Transfers, node = nodeOf(0)) {
    const ended = new Promise<void>((resolve) => (this.end = resolve));
    const begin = (): void => {
      this.hasBegun = true;
    };
    this.chunks = transfers.inTurn(node, '', async function* () {
      begin();
      yield 'chunk';
      await ended;
    });
  }

  async next(): Promise<string | undefined> {
    const next = await this.chunks.next();
    return next.done === true ? undefined : next.value;
  }

  async leave(): Promise<void> {
    await this.chunks.return(undefined);
  }
}

test('so many go on at once; who waits is given signs of life, and its turn once another one ends', async () => {
  const transfers = new Transfers({ mostAtOnce: 2, signOfLifeEveryMs: 1 });
  const [a, b, c] = [1, 2, 3].map((index) => new Download(transfers, nodeOf(index))) as [Download, Download, Download];
  expect([await a.next(), await b.next()]).toEqual(['chunk', 'chunk']);
  expect([await c.next(), await c.next(), c.hasBegun]).toEqual(['', '', false]);
  const turn = c.next();
  a.end();
  expect(await a.next()).toBeUndefined();
  let next = await turn;
  while (next === '') next = await c.next();
  expect([next, c.hasBegun]).toEqual(['chunk', true]);
  for (const download of [b, c]) await download.leave();
});

test('who goes while it waits, or in the middle, makes room', async () => {
  const transfers = new Transfers({ mostAtOnce: 1, signOfLifeEveryMs: 1 });
  const [a, b, c] = [1, 2, 3].map((index) => new Download(transfers, nodeOf(index))) as [Download, Download, Download];
  expect([await a.next(), await b.next(), await c.next()]).toEqual(['chunk', '', '']);
  await b.leave();
  await a.leave();
  let next = await c.next();
  while (next === '') next = await c.next();
  expect([next, b.hasBegun]).toEqual(['chunk', false]);
  await c.leave();
});

test('one node has a few, and is told when to come for more; others are not kept out by it', async () => {
  let limited = 0;
  const onLimited = (): void => {
    limited += 1;
  };
  const transfers = new Transfers({ mostAtOnce: 10, signOfLifeEveryMs: 1, onLimited });
  const some = Array.from({ length: 4 }, () => new Download(transfers));
  for (const download of some) expect(await download.next()).toBe('chunk');
  const refused = { kind: 'unavailable', reason: 'too-many-downloads', fields: { comeBackWithinMs: 60_000 } };
  await expect(new Download(transfers).next()).rejects.toMatchObject(refused);
  expect(limited).toBe(1);
  expect(await new Download(transfers, nodeOf(9)).next()).toBe('chunk');
  await some[0]?.leave();
  expect(await new Download(transfers).next()).toBe('chunk');
});
