// SPDX-License-Identifier: GPL-2.0-only
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, readdir, readFile, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomically } from '../processes/stage';

interface TreeEntry {
  path: string;
  kind: 'file' | 'link';
  executable: boolean;
  sizeBytes: number;
  modifiedNs: bigint;
}

/**
 * Content hash of a source tree or a tarball, the same wherever it lies: sha256 over every file's path, executable bit
 * and content. Reading a gigabyte takes seconds, so the answer is kept under a fingerprint of all paths, sizes and
 * modification times (about a second for a kernel tree); any change of those reads everything again.
 */
export async function sourceIdentity(path: string, cacheDir: string, signal?: AbortSignal): Promise<string> {
  const stat = await lstat(path, { bigint: true });
  const entries: TreeEntry[] = stat.isDirectory()
    ? await listTree(path)
    : [{ path: '', kind: 'file', executable: false, sizeBytes: Number(stat.size), modifiedNs: stat.mtimeNs }];
  const fingerprint = fingerprintOf(path, entries);
  const cached = join(cacheDir, 'identities', fingerprint);
  const known = await readFile(cached, 'utf8').catch(() => undefined);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  for (const entry of entries) {
    signal?.throwIfAborted();
    hash.update(`${entry.path}\0${entry.kind}\0${entry.executable ? 'x' : '-'}\0${entry.sizeBytes}\0`);
    const file = join(path, entry.path);
    if (entry.kind === 'link') hash.update(await readlink(file));
    else await hashFile(hash, file, entry.sizeBytes);
  }
  const identity = hash.digest('hex');
  await mkdir(dirname(cached), { recursive: true });
  await writeFileAtomically(cached, identity);
  return identity;
}

function fingerprintOf(path: string, entries: readonly TreeEntry[]): string {
  const hash = createHash('sha256').update(`${path}\n`);
  for (const entry of entries) {
    hash.update(`${entry.path}\0${entry.kind}\0${entry.executable}\0${entry.sizeBytes}\0${entry.modifiedNs}\n`);
  }
  return hash.digest('hex');
}

/** Above it, stream: most files are a few kilobytes, a tarball is not. */
const wholeFileBytes = 8 << 20;

async function hashFile(hash: Hash, file: string, sizeBytes: number): Promise<void> {
  if (sizeBytes <= wholeFileBytes) {
    hash.update(await readFile(file));
    return;
  }
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
}

/** Every file and link below a directory but git's own, in path order. */
async function listTree(root: string): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  const visit = async (below: string): Promise<void> => {
    const listed = await readdir(join(root, below), { withFileTypes: true });
    const paths = listed.filter((entry) => entry.name !== '.git');
    const directories = paths.filter((entry) => entry.isDirectory());
    await Promise.all(
      paths
        .filter((entry) => !entry.isDirectory())
        .map(async (entry) => {
          const path = join(below, entry.name);
          const stat = await lstat(join(root, path), { bigint: true });
          entries.push({
            path,
            kind: stat.isSymbolicLink() ? 'link' : 'file',
            executable: (stat.mode & 0o100n) !== 0n,
            sizeBytes: Number(stat.size),
            modifiedNs: stat.mtimeNs,
          });
        }),
    );
    for (const directory of directories) await visit(join(below, directory.name));
  };
  await visit('');
  return entries.sort((left, right) => (left.path < right.path ? -1 : 1));
}
