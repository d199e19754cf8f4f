// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { buildTestKernel, repositoryRoot } from '@lockstep/testing/qemu-machine';

/**
 * A finished kernel build, for which the fleet's patches are really built: the one that the demo boots, from the
 * cache, or the folder in `LOCKSTEP_KERNEL_BUILD`.
 */
export async function fleetKernelTree(): Promise<string> {
  const given = process.env['LOCKSTEP_KERNEL_BUILD'];
  if (given !== undefined) return given;
  return (await buildTestKernel()).treeDir;
}

/** Bundles the apps as they are now into dist/. */
export function buildBundles(): void {
  execFileSync(process.execPath, ['tools/bootstrap/build.mjs'], { cwd: repositoryRoot, stdio: 'pipe' });
}

export const bundle = (app: 'control-plane' | 'build-worker' | 'node-agent' | 'fleet-agent' | 'lockstep'): string =>
  path.join(repositoryRoot, 'dist', `${app}.js`);
