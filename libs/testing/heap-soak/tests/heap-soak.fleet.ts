// SPDX-License-Identifier: GPL-2.0-only
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { buildBundles, bundle } from '@lockstep/testing/dev-fleet';
import { HeapSoak } from '../index';

// A control plane that keeps what it was sent until a stream ends, or for ever, runs out of memory in hours. The long one
// is `npm run soak`.

jest.setTimeout(300_000);

/** A report is 10 KB. Kept decoded it is 30 KB, kept as it came 10 KB; the rest of a heap moves by a few hundred KB. */
const limitBytesPerReport = 3_000;

let dir: string;
let soak: HeapSoak;

beforeAll(async () => {
  buildBundles();
  dir = mkdtempSync(path.join(tmpdir(), 'lockstep-heap-soak-'));
  const bundles = path.dirname(bundle('control-plane'));
  soak = await HeapSoak.start({ dir, bundles, warmUpReports: 400, warmUpVisits: 3 });
}, 240_000);

afterAll(async () => {
  await soak[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

test('of the reports of one connection nothing is kept while it lives', async () => {
  const { bytesPerReport } = await soak.oneConnection(400);
  expect(bytesPerReport).toBeLessThan(limitBytesPerReport);
});

test('of connections that come and go nothing is kept', async () => {
  const { bytesPerReport } = await soak.comeAndGo(8, 400);
  expect(bytesPerReport).toBeLessThan(limitBytesPerReport);
});
