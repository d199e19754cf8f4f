// SPDX-License-Identifier: GPL-2.0-only
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { buildSync } from 'esbuild';
import fc from 'fast-check';
import type { LockstepError } from '@lockstep/domain/livepatch-model';
import { RecordFile, type OpenRecordHandle, type RecordHandle } from './record-file';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-journal-'));
  file = path.join(folder, 'log.journal');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function recordsIn(bytes?: Buffer): Promise<readonly unknown[]> {
  if (bytes !== undefined) writeFileSync(file, bytes);
  const { journal, records } = await RecordFile.open(file);
  await journal.close();
  return records;
}

/** The journal's length after each append, the empty one first. */
async function writeThree(): Promise<number[]> {
  const { journal } = await RecordFile.open(file);
  const lengths = [readFileSync(file).length];
  for (const batch of [[{ n: 1 }], [{ n: 2, text: 'mit "Umlaut" ü\n' }, { n: 3 }], [{ n: 4 }]]) {
    await journal.append(batch);
    lengths.push(readFileSync(file).length);
  }
  await journal.close();
  return lengths;
}

const numbers = (records: readonly unknown[]): number[] => records.map((record) => (record as { n: number }).n);

describe('what was appended', () => {
  test('is there again, and goes on', async () => {
    await writeThree();
    const { journal, records } = await RecordFile.open(file);
    expect(records[1]).toEqual({ n: 2, text: 'mit "Umlaut" ü\n' });
    await journal.append([{ n: 5 }]);
    await journal.close();
    expect(numbers(await recordsIn())).toEqual([1, 2, 3, 4, 5]);
  });

  test('a cut at any byte loses only what was being written, and the journal goes on from there', async () => {
    const lengths = await writeThree();
    const whole = readFileSync(file);
    for (let cut = lengths[0]!; cut <= whole.length; cut += 1) {
      const before = numbers(await recordsIn(whole.subarray(0, cut)));
      expect(before).toEqual([1, 2, 3, 4].slice(0, before.length));
      const acknowledged = [0, 1, 3, 4][lengths.findLastIndex((length) => length <= cut)]!;
      expect(before.length).toBeGreaterThanOrEqual(acknowledged);
      const { journal } = await RecordFile.open(file);
      await journal.append([{ n: 9 }]);
      await journal.close();
      expect(numbers(await recordsIn())).toEqual([...before, 9]);
    }
  });

  test('a flipped byte anywhere is noticed, or cost nothing', async () => {
    await writeThree();
    const whole = readFileSync(file);
    let noticed = 0;
    for (let at = 0; at < whole.length; at += 1) {
      for (const mask of [0x01, 0x20, 0x80, 0xff]) {
        const flipped = Buffer.from(whole);
        flipped[at] = flipped[at]! ^ mask;
        const found = await recordsIn(flipped).then(numbers, (error: unknown) => (error as LockstepError).reason);
        if (found === 'journal-damaged') noticed += 1;
        else expect(found).toEqual([1, 2, 3, 4]);
      }
    }
    // All but the last mark, whose loss costs nothing.
    expect(noticed).toBeGreaterThan(whole.length * 3);
  });

  test('a record that was taken out is noticed', async () => {
    await writeThree();
    const lines = readFileSync(file, 'utf8').split('\n');
    const without = [...lines.slice(0, 1), ...lines.slice(2)].join('\n');
    await expect(recordsIn(Buffer.from(without))).rejects.toMatchObject({ kind: 'corrupt', reason: 'journal-damaged' });
  });

  test.each(['', 'something else\n'])('a file that is no journal is refused (%j)', async (text) => {
    await expect(recordsIn(Buffer.from(text))).rejects.toMatchObject({ reason: 'journal-damaged' });
  });

  test('random bytes at the end are a torn tail', async () => {
    await writeThree();
    const whole = readFileSync(file);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (tail) => {
        expect(numbers(await recordsIn(Buffer.concat([whole, tail])))).toEqual([1, 2, 3, 4]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a failing disk', () => {
  /** Fails the n-th operation, and every later one until it is repaired; writes are cut short at the limit. */
  class FailingDisk {
    operations = 0;
    failFrom = Infinity;
    failUntil = Infinity;

    private step(): void {
      this.operations += 1;
      if (this.operations >= this.failFrom && this.operations < this.failUntil) {
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      }
    }

    readonly open: OpenRecordHandle = async (name) => {
      const real = await open(name, 'r+');
      const step = (): void => {
        this.step();
      };
      const handle: RecordHandle = {
        async write(bytes, offset, length, position) {
          // The first half of each write gets through before the disk is full.
          const half = Math.max(1, length >> 1);
          const written = await real.write(bytes, offset, half, position);
          step();
          return written;
        },
        async truncate(length) {
          step();
          await real.truncate(length);
        },
        async datasync() {
          step();
          await real.datasync();
        },
        close: () => real.close(),
      };
      return handle;
    };
  }

  test('of a refused batch nothing comes back, though all its bytes were written', async () => {
    const disk = new FailingDisk();
    const { journal } = await RecordFile.open(file, disk.open);
    await journal.append([{ n: 1 }]);
    let syncs = 0;
    const { journal: other } = await RecordFile.open(file, async (name) => {
      const handle = await disk.open(name);
      // The first makes sure of a clean end, the second of the batch.
      const datasync = (): Promise<void> => ((syncs += 1) === 1 ? handle.datasync() : Promise.reject(new Error('EIO')));
      return { ...handle, datasync };
    });
    // As long as a record and its mark, so that the next line would begin where that mark ends.
    await expect(other.append([{ n: 2, p: '123456' }, { n: 3 }])).rejects.toMatchObject({ kind: 'unavailable' });
    await journal.close();
    await journal.append([{ n: 5 }]);
    await journal.close();
    expect(numbers(await recordsIn())).toEqual([1, 5]);
  });

  test('whatever operation fails: acknowledged records stay, refused ones are told, and it recovers', async () => {
    for (let failFrom = 1; failFrom < 60; failFrom += 1) {
      rmSync(file, { force: true });
      const disk = new FailingDisk();
      disk.failFrom = failFrom;
      disk.failUntil = failFrom + 1 + (failFrom % 3);
      const { journal } = await RecordFile.open(file, disk.open);
      const acknowledged: number[] = [];
      let refused = 0;
      for (let n = 1; n <= 6; n += 1) {
        await journal.append([{ n }]).then(
          () => acknowledged.push(n),
          (error: unknown) => {
            expect(error).toMatchObject({ kind: 'unavailable', reason: 'disk-full' });
            refused += 1;
          },
        );
        // A crash now: what is on disk has everything acknowledged, and nothing but what was attempted.
        const found = numbers(await recordsIn());
        expect(found.filter((number) => acknowledged.includes(number))).toEqual(acknowledged);
        expect(found.length - acknowledged.length).toBeLessThanOrEqual(1);
      }
      disk.failFrom = Infinity;
      await journal.append([{ n: 7 }]);
      await journal.close();
      expect(refused).toBeLessThanOrEqual(3);
      expect(numbers(await recordsIn())).toEqual([...acknowledged, 7]);
    }
  });
});

test('kill -9 at any moment loses no acknowledged record', async () => {
  const script = path.join(folder, 'writer.js');
  buildSync({
    stdin: {
      contents: `
        import { RecordFile } from ${JSON.stringify(path.join(import.meta.dirname, 'record-file.ts'))};
        const { journal, records } = await RecordFile.open(process.argv[2]);
        for (let n = records.length + 1; ; n += 1) {
          await journal.append([{ n, padding: 'x'.repeat(n % 3000) }]);
          process.stdout.write(n + '\\n');
        }`,
      resolveDir: import.meta.dirname,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script.replace('.js', '.mjs'),
    alias: { '@lockstep/domain/livepatch-model': path.join(import.meta.dirname, '../../domain/livepatch-model') },
    logLevel: 'silent',
  });
  let acknowledged = 0;
  for (let round = 0; round < 12; round += 1) {
    const writer = spawn(process.execPath, [script.replace('.js', '.mjs'), file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    writer.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    // Two of them, however seldom it gets its turn.
    while (output.split('\n').length < 3) await once(writer.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, round * 7));
    writer.kill('SIGKILL');
    await once(writer, 'close');
    acknowledged = Math.max(acknowledged, ...output.split('\n').slice(0, -1).map(Number));
    const found = numbers(await recordsIn());
    expect(found).toEqual(found.map((_, i) => i + 1));
    expect(found.length).toBeGreaterThanOrEqual(acknowledged);
  }
  expect(acknowledged).toBeGreaterThan(12);
});
