// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { buildKernel, type BuiltKernel } from './kernel-build';
import { useSandbox } from '../processes/sandbox';
import { exists, type BuildProgress } from '../processes/stage';

/**
 * Compiles every C file, by dependencies as a kernel's make does; a `#include "x.h"` is the first x.h of `near/` and
 * `far/`. The checker is saved with an absolute path, as objtool is, and everything is made anew with it.
 */
const makefile = `VERSION = 5
PATCHLEVEL = 15
SUBLEVEL = 1
sources := $(sort $(wildcard *.c))
objects := $(sources:.c=.o)
header = $(firstword $(wildcard near/x.h far/x.h) far/x.h)
allnoconfig:
	@{ echo; cat $(KCONFIG_ALLCONFIG); } >.config.new; cmp -s .config.new .config || mv .config.new .config
tools/checker: FORCE
	@[ "$$(cat tools/.checker.cmd 2>/dev/null)" = "$(CURDIR)" ] || { echo "$(CURDIR)" >tools/.checker.cmd; echo checker >>$(COMPILE_LOG); echo >$@; }
bzImage: $(objects)
	@mkdir -p arch/x86/boot && cat $(objects) >arch/x86/boot/bzImage && touch vmlinux
modules:
-include $(wildcard .*.o.cmd)
%.o: %.c tools/checker
	@echo "$@: $(if $(findstring include,$(shell cat $<)),$(header))" >.$@.cmd; echo 'far/x.h:' >>.$@.cmd
	@if grep -q include $<; then cat $(header); fi >$@; if grep -q SLOW $< && ! [ -e $(TOLD) ]; then sleep 1000; fi
	@grep -v -e include -e SLOW $< >>$@; echo $@ >>$(COMPILE_LOG); echo "  CC      $@"
FORCE:
`;

let dir = '';

async function put(path: string, text: string): Promise<void> {
  const file = join(dir, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockstep-sibling-'));
  // Of our environment make is told nothing.
  const places = makefile.replaceAll('$(COMPILE_LOG)', join(dir, 'log')).replaceAll('$(TOLD)', join(dir, 'told'));
  await put('linux/Makefile', places);
  await put('linux/kernel/livepatch/core.c', '');
  await put('linux/tools/Makefile', '');
  await put('linux/one.c', 'one\n');
  await put('linux/reader.c', '#include "x.h"\nreader\n');
  await put('linux/far/x.h', 'far\n');
  await put('base.config', 'CONFIG_LIVEPATCH=y\nCONFIG_MODULES=y\nCONFIG_KALLSYMS_ALL=y\n');
  // What was compiled is told to a file outside.
  await useSandbox('none');
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** What a series without patches adds or, given one, changes. */
interface Series {
  files?: Record<string, string>;
  patch?: string;
}

async function build(
  series: Series | undefined,
  more: { cache?: string; signal?: AbortSignal; onProgress?: (progress: BuildProgress) => void } = {},
): Promise<BuiltKernel> {
  await rm(join(dir, 'series'), { recursive: true, force: true });
  await put('series/series', series?.patch === undefined ? '' : 'p.patch\n');
  await put('series/patches/p.patch', series?.patch ?? '');
  await mkdir(join(dir, 'series/files'), { recursive: true });
  for (const [path, text] of Object.entries(series?.files ?? {})) await put(`series/files/${path}`, text);
  const { cache = 'cache', ...rest } = more;
  return buildKernel({
    source: { kind: 'tree', dir: join(dir, 'linux') },
    configFragments: [join(dir, 'base.config')],
    cacheDir: join(dir, cache),
    seriesFor:
      series === undefined
        ? undefined
        : () => ({ seriesDir: join(dir, 'series'), filesDir: join(dir, 'series/files') }),
    ...rest,
  });
}

const image = async ({ imageFile }: BuiltKernel): Promise<string> => readFile(imageFile, 'utf8');

/** What was compiled since the last time it was asked. */
async function compiled(): Promise<string[]> {
  const log = await readFile(join(dir, 'log'), 'utf8').catch(() => '');
  await rm(join(dir, 'log'), { force: true });
  return log.split('\n').filter(Boolean).sort();
}

const changeOne = (to: string): Series => ({ patch: `--- a/one.c\n+++ b/one.c\n@@ -1 +1 @@\n-one\n+${to}\n` });

describe('a kernel with another series than one that was built', () => {
  test('compiles what differs, gives the same image as from nothing, and leaves the other build alone', async () => {
    const plain = await build(undefined);
    expect(await compiled()).toEqual(['checker', 'one.o', 'reader.o']);
    const seen: BuildProgress[] = [];
    const first = await build(changeOne('uno'), { onProgress: (progress) => seen.push(progress) });
    expect(await compiled()).toEqual(['one.o']);
    expect(seen.map(({ stage }) => stage)).toContain('copy the nearest build (files that differ: 1)');
    expect(seen.at(-1)).toEqual({ stage: 'compile', done: 1, total: 1 });
    const second = await build(changeOne('eins'));
    expect(await compiled()).toEqual(['one.o']);
    expect(await image(second)).toBe(await image(await build(changeOne('eins'), { cache: 'empty' })));
    expect(await image(first)).toBe('uno\nfar\nreader\n');
    expect(await readFile(join(first.treeDir, 'one.c'), 'utf8')).toBe('uno\n');
    expect(await readFile(join(plain.treeDir, 'one.c'), 'utf8')).toBe('one\n');
    expect(new Set([plain.key, first.key, second.key]).size).toBe(3);
  });

  test('adds the files of its own series, and drops those of the other with what was made from them', async () => {
    const added = await build({ files: { 'more.c': 'more\n' } });
    expect(await image(added)).toBe('more\none\nfar\nreader\n');
    await compiled();
    const without = await build(undefined);
    expect(await image(without)).toBe('one\nfar\nreader\n');
    expect(await compiled()).toEqual([]);
    for (const file of ['more.c', 'more.o', '.more.o.cmd'])
      expect(await exists(join(without.treeDir, file))).toBe(false);
    await build({ files: { 'other.c': 'other\n' } });
    expect(await compiled()).toEqual(['other.o']);
  });

  test('compiles again what a new header hides another from', async () => {
    await build(undefined);
    await compiled();
    const hidden = await build({ files: { 'near/x.h': 'near\n' } });
    expect(await image(hidden)).toBe('one\nnear\nreader\n');
    expect(await compiled()).toEqual(['reader.o']);
  });

  test('starts from the nearest of several', async () => {
    await build(undefined);
    await build({ ...changeOne('uno'), files: { 'a.c': 'a\n' } });
    await compiled();
    await build({ files: { 'b.c': 'b\n' } });
    expect(await compiled()).toEqual(['b.o']);
    await build({ ...changeOne('uno'), files: { 'a.c': 'a\n', 'c.c': 'c\n' } });
    expect(await compiled()).toEqual(['c.o']);
  });

  test('starts from nothing where a script differs, for make does not know what it makes', async () => {
    await build(undefined);
    await compiled();
    await build({ files: { 'scripts/generate.sh': 'echo\n' } });
    expect(await compiled()).toEqual(['checker', 'one.o', 'reader.o']);
  });

  test('starts from nothing where objects name their directory', async () => {
    await put('base.config', `${await readFile(join(dir, 'base.config'), 'utf8')}CONFIG_DEBUG_INFO=y\n`);
    await build(undefined);
    await compiled();
    await build(changeOne('uno'));
    expect(await compiled()).toEqual(['checker', 'one.o', 'reader.o']);
  });

  test('takes no object for finished that was half written when make was cut off', async () => {
    await build(undefined);
    const controller = new AbortController();
    const cutOff = build(
      { ...changeOne('uno'), files: { 'reader.c': '#include "x.h"\nSLOW\nslow\n' } },
      {
        signal: controller.signal,
        onProgress: ({ stage, done }) => {
          if (stage === 'compile' && done === 1) controller.abort(new Error('Ctrl-C'));
        },
      },
    );
    await expect(cutOff).rejects.toThrow('Ctrl-C');
    await put('told', '');
    const built = await build({ ...changeOne('uno'), files: { 'reader.c': '#include "x.h"\nSLOW\nslow\n' } });
    expect(await image(built)).toBe('uno\nfar\nslow\n');
  });

  test('is the same kernel where only documentation and the message of a patch differ', async () => {
    const { key, treeDir } = await build({ ...changeOne('uno'), files: { 'Documentation/livepatch/a.rst': 'a\n' } });
    const { mtimeMs } = await stat(join(treeDir, 'one.o'));
    const patch = `Another message.\n\n${changeOne('uno').patch ?? ''}`;
    const again = await build({ patch, files: { 'Documentation/livepatch/a.rst': 'b\n' } });
    expect(again.key).toBe(key);
    expect((await stat(join(treeDir, 'one.o'))).mtimeMs).toBe(mtimeMs);
    const kconfig = await build({ ...changeOne('uno'), files: { 'Documentation/Kconfig': 'config A\n' } });
    expect(kconfig.key).not.toBe(key);
  });
});
