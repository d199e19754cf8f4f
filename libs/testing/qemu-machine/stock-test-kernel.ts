// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { defaultCacheDirectory, registerStockKernel, type KernelBuild } from '@lockstep/io/kernel-builder';

/** Long enough to fetch the packages first. */
export const stockTestSetupMs = 45 * 60_000;

/** What Debian's metapackage installs today. */
function newestRelease(): string {
  const shown = execFileSync('apt-cache', ['show', '--no-all-versions', 'linux-image-cloud-amd64'], {
    encoding: 'utf8',
  });
  const release = /^Depends: linux-image-(\S+)/m.exec(shown)?.[1];
  if (release === undefined) throw new Error('apt knows no linux-image-cloud-amd64: apt-get update');
  return release;
}

/**
 * Debian's own cloud kernel: LOCKSTEP_STOCK_RELEASE, by default the newest that apt offers, from the packages that are unpacked
 * in LOCKSTEP_STOCK_PACKAGES, by default fetched.
 */
export async function registerStockTestKernel(): Promise<KernelBuild> {
  return registerStockKernel({
    distribution: 'debian',
    release: process.env['LOCKSTEP_STOCK_RELEASE'] ?? newestRelease(),
    from: process.env['LOCKSTEP_STOCK_PACKAGES'],
    cacheDir: defaultCacheDirectory(),
  });
}
