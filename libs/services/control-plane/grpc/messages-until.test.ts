// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { TimeSlices } from '../agents/time-slices';
import { messagesUntil } from './messages-until';

interface Message {
  readonly number: number;
  readonly body: number[];
}

async function* count(to: number): AsyncGenerator<Message> {
  for (let number = 1; number <= to; number += 1) {
    if (number % 100 === 0) await turn();
    yield { number, body: new Array<number>(1000).fill(number) };
  }
}

async function* silence(): AsyncGenerator<never> {
  await new Promise<never>(() => undefined);
  yield* [];
}

test('hands on every message in order, and ends with the source', async () => {
  const seen: number[] = [];
  for await (const { number } of messagesUntil<Message>(Readable.from(count(250)), new AbortController().signal))
    seen.push(number);
  expect(seen).toEqual(Array.from({ length: 250 }, (_, index) => index + 1));
});

test.each([
  [
    'while nothing comes',
    (abort: AbortController, reason: Error) =>
      setImmediate(() => {
        abort.abort(reason);
      }),
  ],
  [
    'before it begins',
    (abort: AbortController, reason: Error) => {
      abort.abort(reason);
    },
  ],
])('throws the reason of an abort %s', async (_, end) => {
  const abort = new AbortController();
  const reason = new Error('enough');
  end(abort, reason);
  const messages = messagesUntil(Readable.from(silence()), abort.signal);
  await expect(messages.next()).rejects.toBe(reason);
});

test('keeps no message that its reader has let go, however long the stream lives', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const seen: WeakRef<object>[] = [];
  let kept = 0;
  const abort = new AbortController();
  for await (const message of messagesUntil<Message>(Readable.from(count(2000)), abort.signal)) {
    seen.push(new WeakRef(message));
    if (message.number < 2000) continue;
    await turn();
    collect();
    kept = seen.filter((each) => each.deref() !== undefined).length;
  }
  abort.abort();
  expect(kept).toBeLessThan(20);
});

test('what thousands say at once is read in turns, each in its order, and nothing of who is cut off meanwhile', async () => {
  let nowMs = 0;
  const turns = new TimeSlices(20, () => nowMs);
  // Somebody else has used up this turn of the loop.
  expect(turns.turn()).toBeUndefined();
  nowMs = 25;
  const read: string[] = [];
  const aborts = ['a', 'b'].map(() => new AbortController());
  const streams = ['a', 'b'].map(async (name, at) => {
    const source = Readable.from([`${name}1`, `${name}2`].map((text) => Buffer.from(text)));
    const { signal } = aborts[at] ?? new AbortController();
    const note = (bytes: Buffer): string => bytes.toString();
    for await (const text of messagesUntil(source, signal, note, () => turns.turn())) read.push(text);
  });
  await Promise.resolve();
  expect(read).toEqual([]);
  aborts[1]?.abort(new Error('cut off'));
  await expect(Promise.all(streams)).rejects.toThrow('cut off');
  await streams[0];
  expect(read).toEqual(['a1', 'a2']);
});

test('takes no more than its reader wants', async () => {
  let made = 0;
  const source = Readable.from(
    (async function* () {
      for (; made < 1000; made += 1) yield made;
    })(),
    { highWaterMark: 1 },
  );
  const messages = messagesUntil<number>(source, new AbortController().signal);
  await messages.next();
  for (let turns = 0; turns < 20; turns += 1) await turn();
  expect(made).toBeLessThan(8);
  await messages.return(undefined);
});

test('an error of the source is thrown once what came before it was read, and the source is not destroyed', async () => {
  const source = new Readable({ objectMode: true, autoDestroy: false, read: () => undefined });
  const messages = messagesUntil<number>(source, new AbortController().signal);
  source.push(1);
  expect((await messages.next()).value).toBe(1);
  source.push(2);
  await turn();
  source.emit('error', new Error('broken'));
  expect((await messages.next()).value).toBe(2);
  await expect(messages.next()).rejects.toThrow('broken');
  expect(source.destroyed).toBe(false);
});

test('leaves nothing behind on its source or its signal, and ends when the source is destroyed', async () => {
  const source = new Readable({ objectMode: true, read: () => undefined });
  const { signal } = new AbortController();
  const before = source.eventNames().length;
  const messages = messagesUntil<number>(source, signal);
  source.push(1);
  expect((await messages.next()).value).toBe(1);
  const rest = messages.next();
  source.destroy();
  expect((await rest).done).toBe(true);
  expect(source.eventNames()).toHaveLength(before);
});

test('of each stream that says nothing next to nothing is kept', () => {
  // In a process of its own: the heap of this one holds what other tests leave and the runner keeps.
  const { outputText } = transpileModule(readFileSync(join(__dirname, 'messages-until.ts'), 'utf8'), {
    compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022 },
  });
  const measure = `${outputText}
    const { Readable } = require('node:stream');
    const sources = [];
    const listen = () => {
      const source = new Readable({ objectMode: true, read: () => undefined });
      sources.push(source);
      return exports.messagesUntil(source, new AbortController().signal).next();
    };
    listen();
    gc();
    const before = process.memoryUsage().heapUsed;
    for (let count = 0; count < 2000; count += 1) listen();
    setImmediate(() => {
      gc();
      process.stdout.write(String((process.memoryUsage().heapUsed - before) / 2000));
    });`;
  const bytesEach = Number(execFileSync(process.execPath, ['--expose-gc', '-e', measure], { encoding: 'utf8' }));
  // A stream of Node.js is about 3 KB of it; two queues with room for 2,048 were 32 KB.
  expect(bytesEach).toBeGreaterThan(1_000);
  expect(bytesEach).toBeLessThan(16_000);
});
