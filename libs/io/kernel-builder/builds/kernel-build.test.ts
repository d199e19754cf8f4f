// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { buildKernel, type BuildKernelOptions, type BuiltKernel } from './kernel-build';
import { useSandbox } from '../processes/sandbox';
import { exists, type BuildProgress } from '../processes/stage';

/** A tree whose make does what a kernel's does, as far as anybody looks: it configures, compiles two files, and logs. */
const makefile = `VERSION = 5
PATCHLEVEL = 15
SUBLEVEL = 1
allnoconfig:
	@{ echo; cat $(KCONFIG_ALLCONFIG); } | grep -v CONFIG_UNKNOWN >.config
bzImage: one.o two.o
	@mkdir -p arch/x86/boot && cat one.o two.o >arch/x86/boot/bzImage && echo $$KBUILD_BUILD_HOST >>arch/x86/boot/bzImage
modules:
%.o: %.c
	@grep -v BROKEN $< >$@ || { echo "$<:1: error: BROKEN" >&2; exit 1; }; echo $@ >>$(COMPILE_LOG); echo "  CC      $@"
`;

const config = 'CONFIG_LIVEPATCH=y\nCONFIG_MODULES=y\nCONFIG_KALLSYMS_ALL=y\n';

let dir = '';
let options: BuildKernelOptions;

async function put(path: string, text: string): Promise<string> {
  const file = join(dir, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockstep-build-'));
  await put('linux/Makefile', makefile.replaceAll('$(COMPILE_LOG)', join(dir, 'log')));
  await put('linux/kernel/livepatch/core.c', '');
  await put('linux/one.c', 'one\n');
  await put('linux/two.c', 'two\n');
  // What was compiled is told to a file outside.
  await useSandbox('none');
  options = {
    source: { kind: 'tree', dir: join(dir, 'linux') },
    configFragments: [await put('base.config', config)],
    cacheDir: join(dir, 'cache'),
  };
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function compiled(): Promise<string[]> {
  const log = await readFile(join(dir, 'log'), 'utf8').catch(() => '');
  return log.split('\n').filter(Boolean).sort();
}

const image = async ({ imageFile }: BuiltKernel): Promise<string> => readFile(imageFile, 'utf8');

describe('building a kernel', () => {
  test('once: the second time it is found, and nothing of the given tree was written', async () => {
    const built = await buildKernel(options);
    expect(await image(built)).toBe('one\ntwo\nlockstep\n');
    expect(built.version).toBe('5.15');
    expect(await buildKernel(options)).toEqual(built);
    expect(await compiled()).toEqual(['one.o', 'two.o']);
    expect(await exists(join(dir, 'linux/.config'))).toBe(false);
  });

  test('once, also when two ask for it at the same time', async () => {
    const [left, right] = await Promise.all([buildKernel(options), buildKernel(options)]);
    expect(left).toEqual(right);
    expect(await compiled()).toEqual(['one.o', 'two.o']);
  });

  test('again when source, config or series differ', async () => {
    const keys = new Set<string>();
    keys.add((await buildKernel(options)).key);
    keys.add(
      (await buildKernel({ ...options, configFragments: [await put('more.config', `${config}CONFIG_X=y\n`)] })).key,
    );
    await put('s/series', 'p.patch\n');
    await put('s/patches/p.patch', '--- a/one.c\n+++ b/one.c\n@@ -1 +1 @@\n-one\n+1\n');
    const patched = await buildKernel({
      ...options,
      seriesFor: (version) => ({ seriesDir: version === '5.15' ? join(dir, 's') : '' }),
    });
    keys.add(patched.key);
    expect(await image(patched)).toBe('1\ntwo\nlockstep\n');
    await put('linux/one.c', 'uno\n');
    keys.add((await buildKernel(options)).key);
    expect(keys.size).toBe(4);
  });

  test('a build that was cut off goes on where it was', async () => {
    // The second file waits until told, so that there is something to cut off. Of our environment make is told nothing.
    const slow = `two.o: | one.o wait\n.PHONY: wait\nwait:\n\t@[ -e ${join(dir, 'told')} ] || sleep 1000\n`;
    await put('linux/Makefile', makefile.replaceAll('$(COMPILE_LOG)', join(dir, 'log')) + slow);
    const controller = new AbortController();
    const onProgress = ({ stage, done }: BuildProgress): void => {
      if (stage === 'compile' && done === 1) controller.abort(new Error('Ctrl-C'));
    };
    await expect(buildKernel({ ...options, signal: controller.signal, onProgress })).rejects.toThrow('Ctrl-C');
    expect(await compiled()).toEqual(['one.o']);
    await put('told', '');
    expect(await image(await buildKernel(options))).toBe('one\ntwo\nlockstep\n');
    expect(await compiled()).toEqual(['one.o', 'two.o']);
  });

  test('tells how far it is, and never that it is done before it is', async () => {
    const seen: BuildProgress[] = [];
    await buildKernel({ ...options, onProgress: (progress) => seen.push(progress) });
    const compile = seen.filter(({ stage }) => stage === 'compile');
    expect(compile.map(({ done }) => done)).toEqual([1, 2, 2]);
    expect(compile.map(({ done, total }) => done === total)).toEqual([false, false, true]);
  });

  test('a build that fails says what the compiler said', async () => {
    await put('linux/two.c', 'BROKEN\n');
    const failing = buildKernel(options);
    await expect(failing).rejects.toMatchObject({
      reason: 'kernel-build-failed',
      fields: { step: 'make bzImage modules' },
    });
    await expect(failing).rejects.toThrow('two.c:1: error: BROKEN');
  });

  test('an option that kconfig does not grant is an error, not a kernel without it', async () => {
    const fragment = await put('no.config', config.replace('CONFIG_LIVEPATCH=y', 'CONFIG_UNKNOWN=y'));
    await expect(buildKernel({ ...options, configFragments: [fragment] })).rejects.toThrow(
      'CONFIG_LIVEPATCH=y was asked for',
    );
  });

  test('a changed file in the given tree is noticed, whatever its size', async () => {
    const { key } = await buildKernel(options);
    await put('linux/one.c', 'eno\n');
    expect((await buildKernel(options)).key).not.toBe(key);
  });
});
