// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TableLayouts } from '@lockstep/domain/object-diff';

/** Those that kernels are built with; clang is the one that the kernel flavour `clang` has too. */
export const compilers = ['gcc', 'clang-14'] as const;
export type Compiler = (typeof compilers)[number];

/** The flags that shape kernel objects, and those that a patch build adds. */
const kernelFlags = [
  '-std=gnu11',
  '-O2',
  '-mcmodel=kernel',
  '-fno-pic',
  '-mno-red-zone',
  '-fcf-protection=none',
  '-fno-asynchronous-unwind-tables',
  '-fno-stack-protector',
  '-fno-strict-aliasing',
  '-fno-common',
  '-pg',
  '-mfentry',
  '-ffunction-sections',
  '-fdata-sections',
];

/** The layouts that the fixtures' own table entries have (fixture.h), which are those of Linux 5.15 and 6.1. */
export const fixtureTables: TableLayouts = {
  bugEntryBytes: 12,
  bugLineOffset: 8,
  bugFileBias: 0,
  exceptionEntryBytes: 12,
  jumpEntryBytes: 16,
  alternativeEntryBytes: 12,
  alternativeLengthOffset: 11,
  paravirtEntryBytes: 16,
  staticCallEntryBytes: 8,
  orcEntryBytes: 6,
  dynamicDebugEntryBytes: 56,
  dynamicDebugLineOffset: 32,
};

export interface CompiledPair {
  readonly original: Uint8Array;
  readonly patched: Uint8Array;
}

/** By what they are made of: tests ask for the same ones many times. */
const compiled = new Map<string, Uint8Array>();

/** An object as the kernel build would make it from `path`; needs gcc. */
export function compileC(path: string, ...flags: string[]): Uint8Array {
  return compileWith('gcc', path, ...flags);
}

export function compileWith(compiler: Compiler, path: string, ...flags: string[]): Uint8Array {
  const key = [compiler, path, ...flags].join(' ');
  let object = compiled.get(key);
  if (object === undefined) {
    const directory = mkdtempSync(join(tmpdir(), 'lockstep-fixture-'));
    try {
      object = compiler === 'gcc' ? gcc(directory, path, flags) : clang(directory, compiler, path, flags);
    } finally {
      rmSync(directory, { recursive: true });
    }
    compiled.set(key, object);
  }
  return object.slice();
}

function gcc(directory: string, path: string, flags: readonly string[]): Uint8Array {
  const object = join(directory, 'fixture.o');
  execFileSync('gcc', [...kernelFlags, '-mrecord-mcount', ...flags, '-c', '-o', object, path], { stdio: 'pipe' });
  return new Uint8Array(readFileSync(object));
}

/** clang does not list the calls of __fentry__: in a kernel objtool does that, here we. */
function clang(directory: string, command: string, path: string, flags: readonly string[]): Uint8Array {
  const [assembly, object] = [join(directory, 'fixture.s'), join(directory, 'fixture.o')];
  execFileSync(command, [...kernelFlags, ...flags, '-S', '-o', assembly, path], { stdio: 'pipe' });
  const listed = readFileSync(assembly, 'latin1').replace(
    /^\s+callq\s+__fentry__.*$/gm,
    (call) => `771:${call}\n.pushsection __mcount_loc,"aw",@progbits\n.quad 771b\n.popsection`,
  );
  writeFileSync(assembly, listed, 'latin1');
  execFileSync(command, ['-c', '-o', object, assembly], { stdio: 'pipe' });
  return new Uint8Array(readFileSync(object));
}

/** NAME.ORIG.o and NAME.PATCHED.o: sources/NAME.c without and with PATCHED defined. */
export function compilePair(name: string, compiler: Compiler = 'gcc', ...flags: string[]): CompiledPair {
  const path = join(__dirname, 'sources', `${name}.c`);
  return {
    original: compileWith(compiler, path, ...flags),
    patched: compileWith(compiler, path, ...flags, '-DPATCHED'),
  };
}

/** All that compilePair takes. */
export const fixtureNames: readonly string[] = readdirSync(join(__dirname, 'sources'))
  .filter((name) => name.endsWith('.c'))
  .map((name) => name.slice(0, -2));
