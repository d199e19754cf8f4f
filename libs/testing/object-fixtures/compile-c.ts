// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { namesInSharedSections, type TableLayouts } from '@lockstep/domain/object-diff';
import { withNamesKept } from '@lockstep/domain/source-patch';

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

/** An object as the kernel build would make it from `path`; needs gcc. */
export function compileC(path: string, ...flags: string[]): Uint8Array {
  return compileAll('gcc', [path], flags).get(basename(path, '.c')) as Uint8Array;
}

/** Compiles several files in one run: what it takes is mostly the start of programs. Returns objects by file name. */
function compileAll(compiler: Compiler, paths: readonly string[], flags: readonly string[]): Map<string, Uint8Array> {
  const cwd = mkdtempSync(join(tmpdir(), 'lockstep-fixture-'));
  const run = (...args: string[]) => execFileSync(compiler, args, { cwd, stdio: 'pipe' });
  try {
    if (compiler === 'gcc') run(...kernelFlags, '-mrecord-mcount', ...flags, '-c', ...paths);
    else {
      run(...kernelFlags, ...flags, '-S', ...paths);
      const listings = readdirSync(cwd);
      for (const name of listings) listCallsOfFentry(join(cwd, name));
      run('-c', ...listings);
    }
    const objects = readdirSync(cwd).filter((name) => name.endsWith('.o'));
    return new Map(objects.map((name) => [basename(name, '.o'), new Uint8Array(readFileSync(join(cwd, name)))]));
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

/** As a patch build compiles an object in which functions or variables share a section: their names are kept. */
export function compileKeepingNames(source: string, flags: readonly string[]): Uint8Array {
  const cwd = mkdtempSync(join(tmpdir(), 'lockstep-names-'));
  const target = 'object.o';
  const command = `gcc ${flags.join(' ')} -c -o ${target} '${source}'`;
  const compile = (names: readonly string[]): Uint8Array => {
    const kept = withNamesKept({ target, command, source, dependencies: [] }, names, 'names');
    execFileSync('sh', ['-e', '-c', kept], { cwd, stdio: 'pipe' });
    return new Uint8Array(readFileSync(join(cwd, target)));
  };
  try {
    return compile(namesInSharedSections(compile([]), target));
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

/** The pair of a fixture, as compileKeepingNames makes objects. */
export function compileNamedPair(name: string): CompiledPair {
  const compile = (...flags: string[]): Uint8Array =>
    compileKeepingNames(join(sources, `${name}.c`), [...kernelFlags, '-mrecord-mcount', ...flags]);
  return { original: compile(), patched: compile('-DPATCHED') };
}

/** clang does not list them: in a kernel objtool does, here we. */
function listCallsOfFentry(assembly: string): void {
  const listed = readFileSync(assembly, 'latin1').replace(
    /^\s+callq\s+__fentry__.*$/gm,
    (call) => `771:${call}\n.pushsection __mcount_loc,"aw",@progbits\n.quad 771b\n.popsection`,
  );
  writeFileSync(assembly, listed, 'latin1');
}

const sources = join(__dirname, 'sources');

/** All that compilePair takes. Asked for when it is needed: in a bundle the sources are not beside this file. */
export const fixtureNames = (): readonly string[] =>
  readdirSync(sources)
    .filter((name) => name.endsWith('.c'))
    .map((name) => basename(name, '.c'));

/** By compiler and flags: the objects of all sources. */
const compiled = new Map<string, ReadonlyMap<string, Uint8Array>>();

function compileFixture(name: string, compiler: Compiler, flags: readonly string[]): Uint8Array {
  const key = [compiler, ...flags].join(' ');
  let objects = compiled.get(key);
  if (objects === undefined) {
    const paths = fixtureNames().map((fixture) => join(sources, `${fixture}.c`));
    objects = compileAll(compiler, paths, flags);
    compiled.set(key, objects);
  }
  const object = objects.get(name);
  if (object === undefined) throw new Error(`there is no fixture ${name}`);
  return object.slice();
}

/** NAME.ORIG.o and NAME.PATCHED.o: sources/NAME.c without and with PATCHED defined. */
export function compilePair(name: string, compiler: Compiler = 'gcc', ...flags: string[]): CompiledPair {
  return {
    original: compileFixture(name, compiler, flags),
    patched: compileFixture(name, compiler, [...flags, '-DPATCHED']),
  };
}
