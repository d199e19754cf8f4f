// SPDX-License-Identifier: GPL-2.0-only
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { LockstepError, type ArtifactManifest, type ModuleName, type Sha256 } from '@lockstep/domain/livepatch-model';
import { FetchAhead } from './fetch-ahead';
import type { TestControlPlane } from './test-control-plane';
import { TestNode } from './tests/test-node';

const artifact = (name: string): ArtifactManifest => ({
  ...{ sha256: name.repeat(64) as Sha256, moduleName: `lockstep_${name}` as ModuleName },
  ...({ sizeBytes: 1, functions: [], replace: false } as unknown as Omit<ArtifactManifest, 'sha256' | 'moduleName'>),
});

describe('by hand', () => {
  /** What is wanted and not here, and transfers that end when they are told to. */
  function ahead(...names: string[]) {
    const wanted = names.map(artifact);
    const begun: string[] = [];
    const windows: number[] = [];
    const ends: (() => void)[] = [];
    const fetcher = new FetchAhead({
      wanted: async () => [...wanted],
      fetch: async ({ sha256 }, signal) => {
        begun.push(sha256.slice(0, 1));
        await new Promise<void>((resolve, reject) => {
          ends.push(resolve);
          signal.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
        });
        wanted.splice(
          wanted.findIndex((each) => each.sha256 === sha256),
          1,
        );
      },
      log: () => undefined,
      pick: (windowMs) => {
        windows.push(windowMs);
        return 0;
      },
    });
    const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
    const until = async (holds: () => boolean) => {
      while (!holds()) await turn();
    };
    return { fetcher, wanted, begun, windows, ends, turn, until };
  }

  test('one module after the other, in a window that the server names, or in one of its own', async () => {
    const { fetcher, begun, windows, ends, until } = ahead('a', 'b');
    fetcher.expect(undefined);
    fetcher.expect(7_000);
    await until(() => begun.length === 1);
    ends[0]?.();
    await until(() => begun.length === 2);
    ends[1]?.();
    await fetcher.stop();
    expect(begun).toEqual(['a', 'b']);
    expect(windows).toEqual([60_000]);
  });

  test('a window that is named is kept to, and has a limit', async () => {
    const { fetcher, windows, until } = ahead();
    for (const withinMs of [7_000, 2 ** 32 - 1]) {
      const before = windows.length;
      fetcher.expect(withinMs);
      await until(() => windows.length > before);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await fetcher.stop();
    expect(windows).toEqual([7_000, 3_600_000]);
  });

  test('a job for another module does not wait, and what gave way goes on after it', async () => {
    const { fetcher, begun, ends, turn, until } = ahead('a');
    fetcher.expect(1);
    await until(() => begun.length === 1);
    let endJob = (): void => undefined;
    const job = jest.fn(() => new Promise<void>((resolve) => (endJob = resolve)));
    const done = fetcher.givingWayTo('f'.repeat(64) as Sha256, job);
    await until(() => job.mock.calls.length === 1);
    // Nothing begins beside it.
    fetcher.expect(1);
    await turn();
    await turn();
    expect(begun).toEqual(['a']);
    endJob();
    await done;
    await until(() => begun.length === 2);
    ends[1]?.();
    await fetcher.stop();
    expect(begun).toEqual(['a', 'a']);
  });

  test('a job for the very module that comes already begins once it is here', async () => {
    const { fetcher, begun, ends, wanted, turn, until } = ahead('a', 'b');
    fetcher.expect(1);
    await until(() => begun.length === 1);
    const left: number[] = [];
    const done = fetcher.givingWayTo(artifact('a').sha256, async () => {
      left.push(wanted.length);
      await turn();
    });
    await turn();
    expect(left).toEqual([]);
    ends[0]?.();
    await done;
    expect(left).toEqual([1]);
    await until(() => begun.length === 2);
    await fetcher.stop();
    expect(begun).toEqual(['a', 'b']);
  });

  test('what the server cannot give now is tried again, what it refuses is not', async () => {
    const failures = [
      new LockstepError('unavailable', 'server-away', 'later'),
      new LockstepError('not-found', 'unknown-artifact', 'never'),
    ];
    let tries = 0;
    const fetcher = new FetchAhead({
      wanted: async () => [artifact('a')],
      fetch: async () => {
        const failure = failures[tries];
        tries += 1;
        if (failure !== undefined) throw failure;
      },
      log: () => undefined,
      pick: () => 0,
    });
    fetcher.expect(1);
    while (tries < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await fetcher.stop();
    expect(tries).toBe(2);
  });
});

describe('an agent', () => {
  let node: TestNode;
  let plane: TestControlPlane;

  beforeEach(async () => {
    node = await TestNode.create();
    ({ plane } = node);
  });
  afterEach(() => node.remove());

  const kept = (): string[] => {
    const folder = path.join(node.stateDir, 'artifacts');
    return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.ko')) : [];
  };

  test('fetches what the stack at the end of the log needs as its entries arrive; told to move, it asks for nothing more', async () => {
    plane.append('a', 'abc');
    plane.append('b', 'ad', [1]);
    plane.append('c', 'x');
    plane.retire(3);
    const windows: number[] = [];
    plane.fetchWithinMs = 12_345;
    const pickFetchMoment = (windowMs: number): number => {
      windows.push(windowMs);
      return 0;
    };
    await node.startAgent({ pickFetchMoment });
    await node.until('both modules', () => kept().length === 2);
    expect(plane.lastReport?.position ?? 0).toBe(0);
    expect(await node.held()).toBe('');
    plane.moveTo(4);
    await node.inStep(4);
    expect(await node.held()).toBe('lockstep_a<lockstep_b');
    expect(plane.downloads).toHaveLength(2);
    expect(windows).toContain(12_345);
  });

  test('that is told to move before its moment asks at once', async () => {
    plane.append('a', 'abc');
    await node.startAgent({ pickFetchMoment: (windowMs) => windowMs });
    await node.inStep(0);
    plane.moveTo(1);
    await node.inStep(1);
    expect(await node.held()).toBe('lockstep_a');
    expect(plane.downloads).toHaveLength(1);
  });

  test('keeps no module whose bytes are not what the entry says', async () => {
    plane.append('a', 'abc');
    for (const [sha256, bytes] of plane.modules) plane.modules.set(sha256, Buffer.alloc(bytes.length));
    await node.startAgent({ pickFetchMoment: () => 0 });
    await node.until('a refusal', () => node.logLines.some((line) => line.includes('artifact-damaged')));
    expect(kept()).toEqual([]);
  });
});
