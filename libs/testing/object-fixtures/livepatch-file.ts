// SPDX-License-Identifier: GPL-2.0-only
import { join } from 'node:path';
import { compileC } from './compile-c';

export interface LivepatchFixture {
  readonly name: string;
  /** The kernel it says it is for. */
  readonly release: string;
  /** Of vmlinux, by name and sympos; it also changes `module_func` of `some_module`. */
  readonly functions: Readonly<Record<string, number>>;
  readonly replace?: boolean;
  /** As kpatch-build makes modules, instead of with a struct klp_patch. */
  readonly kpatch?: boolean;
  /** A module without the mark of a livepatch. */
  readonly plain?: boolean;
}

/** A livepatch module as readers of .ko files find it, compiled; no kernel would load it. Needs gcc. */
export function livepatchFile({ name, release, functions, replace, kpatch, plain }: LivepatchFixture): Uint8Array {
  const list = Object.entries(functions).map(([fn, sympos]) => `F(${fn},${sympos})`);
  return compileC(
    join(__dirname, 'livepatch.c'),
    `-DNAME=${name}`,
    `-DRELEASE=${release}`,
    `-DFUNCTIONS=${list.join(' ')}`,
    ...(replace === true ? ['-DREPLACE=1'] : []),
    ...(kpatch === true ? ['-DKPATCH'] : []),
    ...(plain === true ? ['-DNO_LIVEPATCH'] : []),
  );
}
