// SPDX-License-Identifier: GPL-2.0-only
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { layoutOf, vendorParts, type Distribution, type VendorPart } from '@lockstep/domain/vendor-kernel';
import { buildError } from '../processes/failure';
import { exists } from '../processes/stage';

/** Parts that a kernel has which nobody packed: then its exports come from itself, and of its modules none can be patched. */
type PackedPart = 'symvers' | 'modules' | 'debugModules' | 'image';

/** A vendor's kernel as its unpacked packages hold it, or as it was given part by part: each a whole path. */
export interface VendorKernel
  extends Readonly<Record<Exclude<VendorPart, PackedPart>, string>>, Readonly<Record<PackedPart, string | undefined>> {
  /** `given`: source, config and vmlinux alone. */
  readonly distribution: Distribution | 'given';
  /** `uname -r` */
  readonly release: string;
}

/**
 * Where each part of a kernel is below the folder that its packages were unpacked in.
 * @throws LockstepError `packages-missing` naming the parts, the packages that hold them and what to type
 */
export async function findVendorKernel(
  distribution: Distribution,
  release: string,
  from: string,
): Promise<VendorKernel> {
  const { paths, packages, commands } = layoutOf(distribution, release);
  const dir = resolve(from);
  const found = new Map<VendorPart, string>();
  for (const part of vendorParts) {
    for (const pattern of paths[part]) {
      const path = await firstMatch(dir, pattern.split('/'));
      if (path === undefined) continue;
      found.set(part, path);
      break;
    }
  }
  const missing = vendorParts.filter((part) => !found.has(part));
  if (missing.length > 0) {
    throw buildError({
      kind: 'packages-missing',
      dir,
      missing: missing.map((part) => `${part} (${paths[part].join(' or ')})`),
      packages: packages.map(({ name }) => name),
      commands: [...commands],
    });
  }
  const part = (name: VendorPart): string => found.get(name) ?? '';
  return {
    distribution,
    release,
    source: part('source'),
    config: part('config'),
    symvers: part('symvers'),
    vmlinux: part('vmlinux'),
    modules: part('modules'),
    debugModules: part('debugModules'),
    image: part('image'),
  };
}

async function firstMatch(dir: string, [name = '', ...rest]: readonly string[]): Promise<string | undefined> {
  if (!name.includes('*')) {
    const path = join(dir, name);
    if (!(await exists(path))) return undefined;
    return rest.length === 0 ? path : firstMatch(path, rest);
  }
  const [before = '', after = ''] = name.split('*');
  const names = await readdir(dir).catch(() => []);
  for (const candidate of names.sort()) {
    if (!candidate.startsWith(before) || !candidate.endsWith(after)) continue;
    const path = rest.length === 0 ? join(dir, candidate) : await firstMatch(join(dir, candidate), rest);
    if (path !== undefined) return path;
  }
  return undefined;
}
