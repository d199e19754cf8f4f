// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { readIfTold, type KernelRoots } from './sysfs-view';

export interface Mount {
  /** What of the file system is mounted there: `/` for all of it. */
  readonly root: string;
  readonly folder: string;
  readonly type: string;
  /** Of the file system itself: of version 1's control groups, their controllers. */
  readonly options: readonly string[];
}

/** The kernel writes a space, a tab, a newline and a backslash of a path as `\040` (fs/proc_namespace.c). */
const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));

/** `36 35 0:31 / /sys/fs/cgroup/freezer rw,nosuid shared:15 - cgroup cgroup rw,freezer`; how many fields are optional varies. */
export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [, root, folder, type, options] =
      /^\S+ \S+ \S+ (\S+) (\S+) \S+ (?:\S+ )*?- (\S+) \S* (\S+)$/.exec(line) ?? [];
    if (root === undefined || folder === undefined || type === undefined || options === undefined) return [];
    return [{ root: unescape(root), folder: unescape(folder), type, options: options.split(',') }];
  });
}

const readMounts = async ({ proc }: KernelRoots): Promise<Mount[]> =>
  parseMounts((await readIfTold(path.join(proc, 'self/mountinfo'))) ?? '');

/** Where a file system of this type is mounted as a whole: not everybody does it where sysfs has a folder for it. */
export const foldersOf = async (roots: KernelRoots, wanted: string): Promise<string[]> =>
  (await readMounts(roots)).filter(({ type, root }) => type === wanted && root === '/').map(({ folder }) => folder);

/** A hierarchy of control groups, where all of it can be seen if it can. */
export async function controlGroups(roots: KernelRoots, version: 1 | 2): Promise<Mount | undefined> {
  const mounts = (await readMounts(roots)).filter(({ type, options }) =>
    version === 2 ? type === 'cgroup2' : type === 'cgroup' && options.includes('freezer'),
  );
  return mounts.find(({ root }) => root === '/') ?? mounts[0];
}
