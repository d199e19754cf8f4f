// SPDX-License-Identifier: GPL-2.0-only
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseModuleName } from '@lockstep/domain/livepatch-model';
import { eventually } from './eventually';
import { exampleDiff } from './example-patches';
import { orderDivergence } from './fleet-audit';
import { fleetProcess } from './fleet-process';
import { seededRandom } from '@lockstep/testing/seeded-random';

const draw = (seed: number): number[] => {
  const random = seededRandom(seed);
  return Array.from({ length: 20 }, () => random.below(1000));
};

describe('seededRandom', () => {
  it('repeats itself by seed, and only so', () => {
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(new Set(draw(7)).size).toBeGreaterThan(10);
  });
});

describe('orderDivergence', () => {
  const stacks = (...texts: string[]) =>
    new Map(texts.map((text, index) => [`n${index + 1}`, Array.from(text, parseModuleName)]));
  it.each([
    [['ab', 'a', ''], []],
    [['abc', 'ac', 'bc'], []],
    [['ab', 'ba'], ['n1 has a<b, n2 has b<a']],
    [['xab', 'a', 'bya'], ['n1 has a<b, n3 has b<a']],
  ])('%j: %j', (texts, expected) => {
    expect(orderDivergence(stacks(...texts))).toEqual(expected);
  });
});

describe('exampleDiff', () => {
  it.each(['5.15.135-lockstep', '6.1.192-lockstep'])('marks exactly the functions asked for, on %s', (release) => {
    const diff = exampleDiff(release, ['a', 'd'], 'x7');
    expect(diff.match(/^\+.*lockstep: .*$/gm)).toEqual([
      '+\tseq_puts(m, "lockstep: ax7\\n");',
      '+\tseq_puts(m, "lockstep: dx7\\n");',
    ]);
    expect(diff.match(/^--- a\/\S+/gm)).toEqual(['--- a/fs/proc/meminfo.c', '--- a/fs/proc/loadavg.c']);
  });
});

describe('eventually', () => {
  it('gives up in time, saying what it waited for and the last error', async () => {
    const ask = (): never => {
      throw new Error('not there');
    };
    await expect(eventually('a thing', ask, { withinMs: 30, everyMs: 5 })).rejects.toThrow(
      /waited 30 ms in vain: a thing: not there/,
    );
    let left = 3;
    await expect(
      eventually('zero', () => (--left === 0 ? left : undefined), { withinMs: 60_000, everyMs: 1 }),
    ).resolves.toBe(0);
  });
});

describe('fleetProcess', () => {
  it('is killed, started again, stopped, and says when it ended by itself', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-process-'));
    const logFile = path.join(folder, 'log');
    const script = 'console.log("alive"); process.on("SIGTERM", () => process.exit(7)); setInterval(() => {}, 1000)';
    const one = fleetProcess({ name: 'one', command: process.execPath, args: ['-e', script], env: {}, logFile });
    const saysAlive = (times: number): Promise<true> =>
      eventually(
        `it says so ${times} times`,
        () => (readFileSync(logFile, 'utf8').match(/alive/g)?.length === times ? true : undefined),
        { withinMs: 60_000 },
      );
    one.start();
    await saysAlive(1);
    await one.kill();
    expect(one.isRunning()).toBe(false);
    one.start();
    await saysAlive(2);
    expect(await one.stop()).toBe(7);
    const two = fleetProcess({ name: 'two', command: 'sh', args: ['-c', 'echo broken; exit 3'], env: {}, logFile });
    two.start();
    await eventually('it has ended', () => (two.isRunning() ? undefined : true), { withinMs: 60_000 });
    expect(() => {
      two.assertRunning();
    }).toThrow(/two has ended \(3\):\n(?:.*\n)*broken/);
    rmSync(folder, { recursive: true });
  });
});
