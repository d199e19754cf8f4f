// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TableLayouts } from '@lockstep/domain/object-diff';

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
  '-mrecord-mcount',
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
  const directory = mkdtempSync(join(tmpdir(), 'lockstep-fixture-'));
  try {
    const object = join(directory, 'fixture.o');
    execFileSync('gcc', [...kernelFlags, ...flags, '-c', '-o', object, path], { stdio: 'pipe' });
    return new Uint8Array(readFileSync(object));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** NAME.ORIG.o and NAME.PATCHED.o: sources/NAME.c without and with PATCHED defined. */
export function compilePair(name: string): CompiledPair {
  const path = join(__dirname, 'sources', `${name}.c`);
  return { original: compileC(path), patched: compileC(path, '-DPATCHED') };
}
