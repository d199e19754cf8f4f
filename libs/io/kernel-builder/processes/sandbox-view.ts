// SPDX-License-Identifier: GPL-2.0-only
import { lstatSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A file or folder of this machine that is there inside, too, or a folder in memory that ends with the command. */
export interface Mount {
  /** Undefined: in memory. */
  readonly source: string | undefined;
  /** Where it is inside. */
  readonly target: string;
  readonly isWritable: boolean;
  /** What links in it lead to, inside, by the names that those have. */
  readonly links?: readonly string[];
}

export const readOnly = (source: string, target = source): Mount => ({ source, target, isWritable: false });
export const writable = (source: string, target = source): Mount => ({ source, target, isWritable: true });
export const inMemory = (target: string, links: readonly string[] = []): Mount => {
  return { source: undefined, target, isWritable: true, links };
};

/** What a sandboxed command sees of the machine's files. */
export interface View {
  readonly mounts: readonly Mount[];
  /** Symbolic links: [target, place]. */
  readonly links: readonly (readonly [string, string])[];
  /** Size of its own /tmp, and of each other folder in memory. */
  readonly temporaryBytes: number;
  readonly cwd: string;
}

/** Where a distribution keeps compilers, their libraries and what they read; nothing of it is an operator's. */
const toolchainFolders = [
  ...['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/lib32', '/usr/lib64', '/usr/libexec', '/usr/include', '/usr/share'],
  ...['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/etc/alternatives', '/etc/ld.so.cache'],
];

/** More folders with compilers: what `LOCKSTEP_SANDBOX_TOOLCHAIN` names, separated by colons. */
const moreFolders = (): string[] =>
  (process.env['LOCKSTEP_SANDBOX_TOOLCHAIN'] ?? '').split(':').filter((folder) => folder.startsWith('/'));

/** The whole environment of a sandboxed command, but for what its caller adds. */
export function sandboxEnvironment(): Record<string, string> {
  const more = moreFolders().map((folder) => `${folder}/bin`);
  return { PATH: [...more, '/usr/bin', '/usr/sbin', '/bin', '/sbin'].join(':'), LC_ALL: 'C', LANG: 'C' };
}

/** The toolchain and what is asked for: nothing else of this machine is there. */
export function viewOf(mounts: readonly Mount[], cwd: string, temporaryBytes: number): View {
  const view = { mounts: [] as Mount[], links: [] as [string, string][] };
  for (const folder of [...toolchainFolders, ...moreFolders()]) {
    const found = lstatSync(folder, { throwIfNoEntry: false });
    if (found === undefined) continue;
    if (found.isSymbolicLink()) view.links.push([readlinkSync(folder), folder]);
    else view.mounts.push(readOnly(folder));
  }
  return { mounts: [...view.mounts, ...mounts], links: view.links, temporaryBytes, cwd };
}

/** `bwrap` with its options, up to the command. */
export function bubblewrapCommand(view: View, hasUserNamespaces: boolean): string[] {
  const memory = (target: string): string[] => ['--size', String(view.temporaryBytes), '--tmpfs', target];
  const user = ['--unshare-user', '--disable-userns', '--uid', '65534', '--gid', '65534'];
  return [
    ...['bwrap', '--unshare-all', ...(hasUserNamespaces ? user : []), '--die-with-parent', '--new-session'],
    ...['--proc', '/proc', '--dev', '/dev', ...memory('/tmp')],
    ...view.links.flatMap(([target, place]) => ['--symlink', target, place]),
    ...view.mounts.flatMap(({ source, target, isWritable, links = [] }) => [
      ...(source === undefined ? memory(target) : [isWritable ? '--bind' : '--ro-bind', source, target]),
      ...links.flatMap((link) => ['--symlink', link, join(target, basename(link))]),
    ]),
    ...['--remount-ro', '/', '--chdir', view.cwd, '--'],
  ];
}

/** One word for a shell. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * The same of nothing but util-linux, for where bubblewrap is missing. The command follows as the script's arguments.
 * @param root an empty folder
 */
export function namespacesCommand(view: View, root: string): string[] {
  const inside = (place: string): string => quoted(root + place);
  const mountMemory = (target: string): string =>
    `mount -t tmpfs -o size=${view.temporaryBytes},mode=1777 tmpfs ${inside(target)}`;
  const mountLines = view.mounts.flatMap(({ source, target, isWritable, links = [] }) => {
    const linkAll = links.length === 0 ? [] : [`ln -s ${links.map(quoted).join(' ')} ${inside(target)}`];
    if (source === undefined) return [`mkdir -p ${inside(target)}`, mountMemory(target), ...linkAll];
    const isFile = lstatSync(source, { throwIfNoEntry: false })?.isFile() === true;
    const make = isFile ? `mkdir -p ${inside(dirname(target))}; : >${inside(target)}` : `mkdir -p ${inside(target)}`;
    return [make, `mount -o ${isWritable ? 'rbind' : 'rbind,ro'} ${quoted(source)} ${inside(target)}`];
  });
  const devices = ['null', 'zero', 'full', 'random', 'urandom'].flatMap((name) => [
    `: >${inside(`/dev/${name}`)}`,
    `mount --bind /dev/${name} ${inside(`/dev/${name}`)}`,
  ]);
  const script = [
    'set -eu',
    `mount -t tmpfs -o size=1m,mode=0755 tmpfs ${quoted(root)}`,
    `mkdir -p ${['/proc', '/dev', '/tmp', '/.old'].map(inside).join(' ')}`,
    `mount -t proc proc ${inside('/proc')}`,
    'echo 0 >/proc/sys/user/max_user_namespaces',
    mountMemory('/tmp'),
    ...devices,
    `ln -s /proc/self/fd ${inside('/dev/fd')}; ln -s fd/0 ${inside('/dev/stdin')}; ln -s fd/1 ${inside('/dev/stdout')}; ln -s fd/2 ${inside('/dev/stderr')}`,
    ...view.links.map(([target, place]) => `ln -s ${quoted(target)} ${inside(place)}`),
    ...mountLines,
    `cd ${quoted(root)}; pivot_root . .old; cd /; umount -l /.old; rmdir /.old; mount -o remount,ro /`,
    `cd ${quoted(view.cwd)}`,
    'exec setpriv --no-new-privs --inh-caps=-all --ambient-caps=-all --bounding-set=-all -- "$@"',
  ].join('\n');
  const namespaces = ['--user', '--map-root-user', '--mount', '--pid', '--fork', '--net', '--ipc', '--uts'];
  return ['unshare', ...namespaces, '--kill-child=SIGKILL', '--', 'sh', '-c', script, 'sandbox'];
}
