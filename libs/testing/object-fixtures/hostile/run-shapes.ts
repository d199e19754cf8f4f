// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { useLimits, useSandbox } from '@lockstep/io/kernel-builder';
import { HostileKernel, secret } from './hostile-kernel';
import type { HostileShape } from './hostile-shapes';

const mib = 2 ** 20;
/** Small, so that each shape runs into its own at once. */
const limits = { seconds: 5, memoryBytes: 600 * mib, processes: 60, outputBytes: 2 * mib, diskBytes: 64 * mib };

/** Declares a test for each shape: what becomes of it, that it reaches nothing, and that others build as before. */
export function testShapes(shapes: readonly HostileShape[]): void {
  let kernel: HostileKernel;
  let harmless = '';

  beforeAll(async () => {
    process.env['LOCKSTEP_S3_SECRET_ACCESS_KEY'] = secret;
    await useSandbox('auto');
    useLimits({ compilers: limits, make: { ...limits, outputBytes: mib, processes: 100 } });
    kernel = await new HostileKernel().start();
    harmless = await kernel.harmless();
    expect(harmless).toMatch(/^built /);
  }, 60_000);

  afterAll(() => {
    delete process.env['LOCKSTEP_S3_SECRET_ACCESS_KEY'];
    useLimits({});
    kernel[Symbol.dispose]();
  });

  test.each(shapes.map((shape) => [shape.name, shape] as const))(
    '%s',
    async (_, { diff, mayChangeBuild, becomes }) => {
      const { result, seen } = await kernel.build(diff(kernel, kernel.places), mayChangeBuild);
      expect(result).toMatch(becomes);
      // A message that quotes the diff itself has no secret either: the marker is in the host's file alone.
      expect(seen).not.toContain(secret);
      expect(seen).not.toContain('root:x:0');
      expect(kernel.harm()).toEqual([]);
      expect(await kernel.harmless()).toBe(harmless);
    },
    60_000,
  );
}
