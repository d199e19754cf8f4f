// SPDX-License-Identifier: GPL-2.0-only
import type { KernelFacts, KernelSymbolTable } from '@lockstep/domain/klp-module';
import { parseKernelBuildId } from '@lockstep/domain/livepatch-model';
import { join } from 'node:path';
import { compileC, fixtureTables } from './compile-c';

/** A symbol of a made-up kernel: `file` is null for global ones. */
export interface FixtureSymbol {
  readonly name: string;
  readonly file: number | null;
  readonly kind?: 'function' | 'object';
  readonly weak?: boolean;
  readonly sealed?: boolean;
}

export function symbolTable(files: readonly string[], symbols: readonly FixtureSymbol[]): KernelSymbolTable {
  return {
    files,
    names: symbols.map(({ name }) => name),
    fileOf: Int32Array.from(symbols, ({ file }) => file ?? -1),
    kinds: Uint8Array.from(
      symbols,
      ({ kind, weak, sealed }) => (kind === 'object' ? 2 : 1) + (weak === true ? 4 : 0) + (sealed === true ? 8 : 0),
    ),
  };
}

export interface FixtureKernel {
  readonly symbols: KernelSymbolTable;
  /** Name to owner; `vmlinux` is exported by the kernel itself. */
  readonly exports: Readonly<Record<string, { readonly owner?: string; readonly namespace?: string }>>;
  readonly modversions?: boolean;
}

/** Facts of a made-up kernel whose structs are small. */
export function fixtureKernel({ symbols, exports, modversions }: FixtureKernel): KernelFacts {
  return {
    kernelBuild: parseKernelBuildId('0123456789abcdef'),
    release: '0.0.0-fixture',
    layouts: {
      klpFunc: { sizeBytes: 40, oldName: 0, newFunc: 8, oldSympos: 16 },
      klpObject: { sizeBytes: 64, name: 0, funcs: 8, prePatch: 16, postPatch: 24, preUnpatch: 32, postUnpatch: 40 },
      klpPatch: { sizeBytes: 48, mod: 0, objs: 8, replace: 24 },
      module: { sizeBytes: 80, name: 8 },
      moduleNameBytes: 56,
      modversionInfo: modversions === true ? { sizeBytes: 64, crc: 0, name: 8 } : { sizeBytes: 0, crc: 0, name: 0 },
    },
    tables: fixtureTables,
    glue: compileC(join(__dirname, 'glue', 'glue.c')),
    symbols,
    exports: new Map(
      Object.entries(exports).map(([name, { owner = 'vmlinux', namespace = '' }], index) => [
        name,
        { name, crc: 0x1000 + index, owner, gplOnly: false, namespace },
      ]),
    ),
  };
}
