// SPDX-License-Identifier: GPL-2.0-only
import { randomBytes } from 'node:crypto';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseKernelBuildId, parseSha256 } from '@lockstep/domain/livepatch-model';
import {
  evictKernelBuilds,
  readSharedCopy,
  usingKernelBuild,
  writeSharedCopy,
  type SharedCopy,
} from './cached-kernels';
import { packKernelBuild, unpackKernelBuild } from './kernel-pack';
import { useSandbox } from '../processes/sandbox';
import { listKernelBuilds, type KernelBuildInfo } from './registered-kernel';

const id = parseKernelBuildId('ab'.repeat(20));
let dir: string;
let treeDir: string;
let info: KernelBuildInfo;
let path: string | undefined;

async function put(file: string, text: string, seconds = 1_600_000_000.123456): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  await utimes(file, seconds, seconds);
}

/** A cache with one registered kernel build whose tree is elsewhere. */
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockstep-pack-'));
  treeDir = join(dir, 'linux');
  info = { id, release: '6.1.0', compiler: 'gcc 12', configSha256: '', treeDir, registeredAtMs: 1_700_000_000_000 };
  await put(join(treeDir, 'Makefile'), 'VERSION = 6\n');
  await put(join(treeDir, '.config'), 'CONFIG_LIVEPATCH=y\n');
  await put(join(treeDir, 'fs/one.c'), 'one\n');
  await put(join(treeDir, 'fs/one.o'), 'object', 1_600_000_001.123457);
  await put(join(treeDir, 'fs/.one.o.cmd'), 'cmd_fs/one.o := gcc\n');
  await put(join(treeDir, 'tools/objtool/.objtool.o.cmd'), `cmd_${treeDir}/tools/objtool/objtool.o := gcc\n`);
  await put(join(treeDir, 'tools/objtool/objtool'), '#!/bin/sh\n');
  await chmod(join(treeDir, 'tools/objtool/objtool'), 0o755);
  await symlink('../fs/one.c', join(treeDir, 'tools/one.c'));
  await put(join(treeDir, 'include/asm-generic/vmlinux.lds.h'), 'sections\n');
  // Says how objtool ran, where it ran on the whole.
  await put(join(treeDir, '.vmlinux.o.cmd'), 'cmd_vmlinux.o := ld; objtool\n');
  for (const name of ['vmlinux', 'vmlinux.o', '.tmp_vmlinux.kallsyms1', 'System.map', '.git/config']) {
    await put(join(treeDir, name), 'large');
  }
  await put(join(treeDir, 'arch/x86/boot/compressed/vmlinux.bin'), 'large');
  await register(cache('a'), info);
  path = process.env['PATH'];
});
afterEach(async () => {
  process.env['PATH'] = path;
  await rm(dir, { recursive: true, force: true });
});

const cache = (name: string): string => join(dir, `cache-${name}`);

async function register(cacheDir: string, what: KernelBuildInfo): Promise<void> {
  const registered = join(cacheDir, 'registered', what.id);
  await put(join(registered, 'kernel-build.json'), JSON.stringify(what));
  for (const file of ['kernel-facts', 'dependency-index.json', '.complete']) await put(join(registered, file), file);
}

async function pack(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const kernel = { ...info, dir: join(cache('a'), 'registered', id) };
  for await (const chunk of packKernelBuild(kernel)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
}

const copy: SharedCopy = { sha256: parseSha256('ee'.repeat(32)), treeBytes: 1_000_000 };

const unpack = async (bytes: Uint8Array, name = 'b', wanted = id): Promise<void> =>
  unpackKernelBuild({ cacheDir: cache(name), id: wanted, copy, content: () => inPieces(bytes) });

/** Nothing of a failed attempt is there, nor taken for a kernel build. */
async function expectNothing(name = 'b'): Promise<void> {
  expect(await listKernelBuilds(cache(name))).toEqual([]);
  expect((await readdir(join(cache(name), 'registered'))).filter((file) => !file.endsWith('.lock'))).toEqual([]);
}

describe('a packed kernel build', () => {
  test('is the same kernel build elsewhere, with its own tree, and without what no build reads', async () => {
    await unpack(await pack());
    const tree = join(cache('b'), 'registered', id, 'tree');
    expect(await listKernelBuilds(cache('b'))).toEqual([{ ...info, treeDir: tree }]);
    const [before, after] = [await files(treeDir), await files(tree)];
    const missing = before.filter((file) => !after.includes(file));
    expect(missing).toEqual([
      '.git/config',
      '.tmp_vmlinux.kallsyms1',
      'System.map',
      'arch/x86/boot/compressed/vmlinux.bin',
      'vmlinux',
      'vmlinux.o',
    ]);
    expect(after.filter((file) => !before.includes(file))).toEqual([]);
    const moved = 'tools/objtool/.objtool.o.cmd';
    for (const file of after.filter((name) => name !== moved)) {
      const [ours, theirs] = await Promise.all([treeDir, tree].map(async (root) => describeFile(join(root, file))));
      expect([file, theirs]).toEqual([file, ours]);
    }
    expect(await readFile(join(tree, moved), 'utf8')).toBe(`cmd_${tree}/tools/objtool/objtool.o := gcc\n`);
    expect(await readFile(join(dirname(tree), 'kernel-facts'), 'utf8')).toBe('kernel-facts');
    expect(await readSharedCopy(cache('b'), id)).toEqual(copy);
  });

  test('has the same bytes whenever it is packed', async () => {
    const first = await pack();
    // As when it is staged for a patch and used meanwhile.
    await symlink('x', join(dir, 'other'));
    await readFile(join(treeDir, 'fs/one.c'));
    expect((await pack()).equals(first)).toBe(true);
  });

  test('is fetched once, however many want it at once', async () => {
    const bytes = await pack();
    let fetched = 0;
    const content = (): AsyncGenerator<Uint8Array> => {
      fetched += 1;
      return inPieces(bytes);
    };
    await Promise.all([1, 2, 3].map(async () => unpackKernelBuild({ cacheDir: cache('b'), id, copy, content })));
    expect(fetched).toBe(1);
  });

  test('of a tree that was built again since is refused', async () => {
    await put(join(treeDir, '.config'), 'CONFIG_LIVEPATCH=y\n', 1_700_000_001);
    await expect(pack()).rejects.toMatchObject({ kind: 'refused', reason: 'kernel-build-changed' });
  });

  test('of a tree that is gone says so', async () => {
    await rm(treeDir, { recursive: true });
    await expect(pack()).rejects.toMatchObject({ kind: 'unavailable', reason: 'kernel-pack-failed' });
  });
});

describe('what cannot be used leaves nothing behind', () => {
  const failure = { kind: 'corrupt', reason: 'kernel-pack-broken' };

  test('damaged so that it seems to end early: the rest and its checksum count, too', async () => {
    const archive = gunzipSync(await pack());
    const end = archive.indexOf('fs/one.c');
    const header = end - (end % 512);
    const early = Buffer.concat([archive.subarray(0, header), Buffer.alloc(1024), archive, randomBytes(1 << 20)]);
    await expect(unpack(gzipSync(early))).rejects.toMatchObject(failure);
    await expectNothing();
  });

  test('cut off, damaged, no archive at all', async () => {
    const bytes = await pack();
    await expect(unpack(bytes.subarray(0, bytes.length - 20))).rejects.toMatchObject(failure);
    await expectNothing();
    const damaged = Buffer.from(bytes);
    damaged.fill(0xff, damaged.length >> 1, (damaged.length >> 1) + 40);
    await expect(unpack(damaged)).rejects.toMatchObject(failure);
    await expectNothing();
    await expect(unpack(Buffer.from('no archive'))).rejects.toMatchObject(failure);
    await expectNothing();
    await unpack(bytes);
    expect(await listKernelBuilds(cache('b'))).toHaveLength(1);
  });

  test('another kernel build than the one that was asked for', async () => {
    const other = parseKernelBuildId('cd'.repeat(20));
    await expect(unpack(await pack(), 'b', other)).rejects.toMatchObject(failure);
    await expectNothing();
  });

  test('a stream that fails in the middle fails with its own reason', async () => {
    const bytes = await pack();
    const content = async function* (): AsyncGenerator<Uint8Array> {
      yield* inPieces(bytes.subarray(0, 500));
      throw new Error('the store is away');
    };
    await expect(unpackKernelBuild({ cacheDir: cache('b'), id, copy, content })).rejects.toThrow('the store is away');
    await expectNothing();
  });

  test('a job that is stopped in the middle', async () => {
    const bytes = await pack();
    const stop = new AbortController();
    const content = async function* (): AsyncGenerator<Uint8Array> {
      yield* inPieces(bytes.subarray(0, 500));
      stop.abort(new Error('stopped'));
      await new Promise((resolve) => setTimeout(resolve, 50));
      yield* inPieces(bytes.subarray(500));
    };
    const unpacked = unpackKernelBuild({ cacheDir: cache('b'), id, copy, content, signal: stop.signal });
    await expect(unpacked).rejects.toThrow('stopped');
    await expectNothing();
  });

  test.each([
    'tar: ./fs/one.o: Cannot write: No space left on device',
    'tar: ./fs/one.o: Wrote only 9216 of 10240 bytes',
  ])('a full disk says what to do: %s', async (words) => {
    const bytes = await pack();
    // What GNU tar does on one: it leaves a file behind, speaks, and fails.
    const tar = join(dir, 'bin/tar');
    await put(tar, `#!/bin/sh\nhead -c 100 >/dev/null\necho half >"$5/half"\necho "${words}" >&2\nexit 2\n`);
    await chmod(tar, 0o755);
    process.env['PATH'] = `${dirname(tar)}:${path ?? ''}`;
    await useSandbox('none');
    await expect(unpack(bytes)).rejects.toMatchObject({ kind: 'unavailable', reason: 'disk-full' });
    await useSandbox('auto');
    await expectNothing();
  });

  test('an earlier attempt that was killed', async () => {
    await put(join(cache('b'), 'registered', id, 'tree/fs/left-over.c'), 'half');
    await unpack(await pack());
    expect(await files(join(cache('b'), 'registered', id, 'tree'))).not.toContain('fs/left-over.c');
  });
});

describe('eviction from a cache', () => {
  const ids = ['01', '02', '03'].map((byte) => parseKernelBuildId(byte.repeat(20)));
  const evict = async (maxBytes: number, canBeFetched = true) =>
    evictKernelBuilds({ cacheDir: cache('c'), maxBytes, canBeFetched: async () => Promise.resolve(canBeFetched) });
  const left = async (): Promise<string[]> => (await listKernelBuilds(cache('c'))).map(({ id: one }) => one).sort();

  /** Three that were fetched, used in this order. */
  beforeEach(async () => {
    for (const [index, each] of ids.entries()) {
      const registered = join(cache('c'), 'registered', each);
      await register(cache('c'), { ...info, id: each, treeDir: join(registered, 'tree') });
      await put(join(registered, 'tree/Makefile'), 'VERSION = 6\n');
      await writeSharedCopy(cache('c'), each, copy);
      await usingKernelBuild(cache('c'), each, async () => Promise.resolve());
      await utimes(`${registered}.use.lock`, 1_700_000_000 + index, 1_700_000_000 + index);
    }
  });

  test('takes the least recently used until it fits, whole', async () => {
    expect(await evict(3_000_000)).toEqual({ removed: [], trimmed: [], keptBytes: 3_000_000 });
    await usingKernelBuild(cache('c'), ids[0]!, async () => Promise.resolve());
    expect(await evict(2_500_000)).toEqual({ removed: [ids[1]], trimmed: [], keptBytes: 2_000_000 });
    expect(await left()).toEqual([ids[0], ids[2]]);
    expect(await readdir(join(cache('c'), 'registered'))).not.toContain(ids[1]);
  });

  test('never takes one that a job uses, one that is not in the store, or one that was never shared', async () => {
    await rm(join(cache('c'), 'registered', ids[1]!, 'shared-copy.json'));
    expect(await evict(0, false)).toMatchObject({ removed: [] });
    await usingKernelBuild(cache('c'), ids[0]!, async () => {
      expect(await evict(0)).toMatchObject({ removed: [ids[2]] });
    });
    expect(await left()).toEqual([ids[0], ids[1]]);
    expect(await evict(0)).toMatchObject({ removed: [ids[0]] });
  });

  test('leaves one registered whose tree is elsewhere, without what was made from it', async () => {
    const registered = join(cache('a'), 'registered', id);
    await put(join(registered, 'originals/one.o'), 'x'.repeat(1000));
    const options = { cacheDir: cache('a'), canBeFetched: async () => Promise.resolve(false) };
    expect(await evictKernelBuilds({ ...options, maxBytes: 1000 })).toEqual({
      removed: [],
      trimmed: [],
      keptBytes: 1000,
    });
    expect(await evictKernelBuilds({ ...options, maxBytes: 999 })).toEqual({
      removed: [],
      trimmed: [id],
      keptBytes: 0,
    });
    expect(await listKernelBuilds(cache('a'))).toEqual([info]);
    expect(await readdir(registered)).not.toContain('originals');
    expect(await files(treeDir)).toContain('fs/one.c');
  });
});

async function files(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  return names.map((name) => name.slice(root.length + 1)).sort();
}

async function describeFile(file: string): Promise<unknown> {
  const { mode, mtimeNs } = await lstat(file, { bigint: true });
  const isLink = (await lstat(file)).isSymbolicLink();
  return {
    content: isLink ? await readlink(file) : await readFile(file, 'utf8'),
    mode,
    mtimeNs: isLink ? 0n : mtimeNs,
  };
}
