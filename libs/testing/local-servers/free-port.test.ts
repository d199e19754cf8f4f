// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { freePort } from './free-port';

test('a free port is below the ephemeral range and never given twice', async () => {
  const ports = [await freePort(), await freePort(), await freePort()];
  expect(new Set(ports).size).toBe(3);
  for (const port of ports) expect(port).toBeLessThan(32_768);
});
