// SPDX-License-Identifier: GPL-2.0-only
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { KernelBuildId } from '@lockstep/domain/livepatch-model';

/** Where kernels are kept when nobody says otherwise: `$XDG_CACHE_HOME/lockstep`, by default `~/.cache/lockstep`. */
export function defaultCacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const base = env['XDG_CACHE_HOME'];
  // The XDG rule: a relative path there is to be ignored.
  return join(base?.startsWith('/') === true ? base : join(homedir(), '.cache'), 'lockstep');
}

/**
 * The cache's parts:
 * - `kernels/KEY/`      kernels built here, KEY a hash of all that goes in; numbered stages, each with `.complete`;
 *                       `01-tree/record.json` tells other kernels whether they can start from it
 * - `registered/ID/`    what patch builds need of a kernel build, ID its GNU build-id
 * - `identities/`       content hashes of source trees (sources/source-identity.ts)
 */
export const cachePaths = {
  builtKernel: (cacheDir: string, key: string): string => join(cacheDir, 'kernels', key),
  registered: (cacheDir: string, id: KernelBuildId): string => join(cacheDir, 'registered', id),
};
