// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readBuildTools } from './build-tools';

let dir = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockstep-tools-'));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function build(compiler: string, linker: string, archiver: string): Promise<void> {
  const commands = {
    'kernel/livepatch/.core.o.cmd': `cmd_kernel/livepatch/core.o := ${compiler} -Wp,-MMD,kernel/livepatch/.core.o.d -c -o kernel/livepatch/core.o kernel/livepatch/core.c`,
    'arch/x86/entry/vdso/.vdso64.so.dbg.cmd': `cmd_arch/x86/entry/vdso/vdso64.so.dbg := ${linker} -o arch/x86/entry/vdso/vdso64.so.dbg -shared`,
    'kernel/.built-in.a.cmd': `cmd_kernel/built-in.a := rm -f kernel/built-in.a;  printf "kernel/%s " fork.o cpu.o | xargs ${archiver} cDPrST kernel/built-in.a`,
  };
  for (const [path, text] of Object.entries(commands)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), `${text}\n`);
  }
}

test('what make chooses itself need not be named', async () => {
  await build('gcc', 'ld', 'ar');
  expect(await readBuildTools(dir)).toEqual({ compiler: 'gcc', makeArguments: [] });
});

test('another compiler, or a whole other set of tools, is used again', async () => {
  await build('clang-14', 'ld', 'ar');
  expect(await readBuildTools(dir)).toEqual({ compiler: 'clang-14', makeArguments: ['CC=clang-14'] });
  await build('ccache clang', 'ld.lld', 'llvm-ar');
  const makeArguments = ['CC=ccache clang', 'LD=ld.lld', 'AR=llvm-ar'];
  expect(await readBuildTools(dir)).toEqual({ compiler: 'ccache clang', makeArguments });
});

test('a build without commands is none', async () => {
  await expect(readBuildTools(dir)).rejects.toMatchObject({ reason: 'not-a-kernel-build' });
});
