// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { buildKernel, defaultCacheDirectory, findKernelSource } from '@lockstep/io/kernel-builder';

export const repositoryRoot = path.resolve(__dirname, '../../..');

/** The folder of the demo's small kernel, built once into the cache. Patches in fleets are really built for it. */
export async function fleetKernelTree(): Promise<string> {
  const source = await findKernelSource(process.env['LOCKSTEP_KERNEL_SRC']);
  const { treeDir } = await buildKernel({
    source,
    configFragments: [path.join(repositoryRoot, 'kernel-livepatch/qemu/config/base.config')],
    cacheDir: defaultCacheDirectory(),
  });
  return treeDir;
}

/** Bundles the apps as they are now into dist/. */
export function buildBundles(): void {
  execFileSync(process.execPath, ['tools/bootstrap/build.mjs'], { cwd: repositoryRoot, stdio: 'pipe' });
}

export const bundle = (app: 'control-plane' | 'build-worker' | 'node-agent' | 'lockstep'): string =>
  path.join(repositoryRoot, 'dist', `${app}.js`);
