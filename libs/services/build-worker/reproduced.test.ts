// SPDX-License-Identifier: GPL-2.0-only
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { openArtifactStore } from '@lockstep/io/artifact-store';
import { insistOtherPlace } from './build-patch';
import { insistReproduced } from './reproduced';
import { workPlaceId } from './work-place-id';

const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-reproduced-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('what two have built is the same, or it is refused with what differs', async () => {
  const artifacts = await openArtifactStore(path.join(folder, 'store'));
  const built = Buffer.from('what was built');
  const { sha256 } = await artifacts.put(built);
  await expect(insistReproduced(sha256, built, artifacts)).resolves.toBeUndefined();
  await expect(insistReproduced(sha256, Buffer.from('something else'), artifacts)).rejects.toMatchObject({
    kind: 'refused',
    reason: 'not-reproduced',
    fields: { first: sha256, differences: ['one of them is no module'] },
  });
});

test('a cache keeps its name over all starts, and whoever starts first in it names it', async () => {
  const [one, other] = [path.join(folder, 'one'), path.join(folder, 'other')];
  const ids = await Promise.all(Array.from({ length: 8 }, () => workPlaceId(one)));
  expect(new Set(ids).size).toBe(1);
  expect(await workPlaceId(one)).toBe(ids[0]);
  expect(await workPlaceId(other)).not.toBe(ids[0]);
});

test('whoever has built it the first time leaves the second to others', () => {
  const job = { first: { place: 'a' } } as Parameters<typeof insistOtherPlace>[0];
  expect(() => {
    insistOtherPlace(job, 'b');
  }).not.toThrow();
  expect(() => {
    insistOtherPlace(job, 'a');
  }).toThrow(/built again by another one, with a cache of its own/);
});
