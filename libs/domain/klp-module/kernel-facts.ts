// SPDX-License-Identifier: GPL-2.0-only
import type { KernelBuildId } from '@lockstep/domain/livepatch-model';
import type { TableLayouts } from '@lockstep/domain/object-diff';

/** Byte offsets and sizes of a C struct. */
export type StructLayout<Field extends string> = { readonly sizeBytes: number } & Readonly<Record<Field, number>>;

/** Layouts (bytes) of what the module writer emits as data. */
export interface LivepatchLayouts {
  readonly klpFunc: StructLayout<'oldName' | 'newFunc' | 'oldSympos'>;
  readonly klpObject: StructLayout<'name' | 'funcs' | 'prePatch' | 'postPatch' | 'preUnpatch' | 'postUnpatch'>;
  readonly klpPatch: StructLayout<'mod' | 'objs' | 'replace'>;
  readonly module: StructLayout<'name'>;
  /** MODULE_NAME_LEN. */
  readonly moduleNameBytes: number;
  /** struct modversion_info; sizeBytes 0 without CONFIG_MODVERSIONS. */
  readonly modversionInfo: StructLayout<'crc' | 'name'>;
}

/** A symbol that modules may link against, from Module.symvers. */
export interface ExportedSymbol {
  readonly name: string;
  readonly crc: number;
  /** `vmlinux` or the path of the module that exports it. */
  readonly owner: string;
  readonly gplOnly: boolean;
  /** Empty: no namespace. */
  readonly namespace: string;
}

/** The kernel's symbol table as kallsyms will see it, in address order. Parallel arrays: it has 100,000 rows. */
export interface KernelSymbolTable {
  readonly names: readonly string[];
  /** Index into `files`, or -1 for a global symbol. */
  readonly fileOf: Int32Array;
  /** One per STT_FILE symbol, in symbol table order; names repeat (`core.c`). */
  readonly files: readonly string[];
  /**
   * 1 function, 2 object, 0 other; +4 if weak; +8 if sealed: its ENDBR is overwritten when it is loaded (IBT); +16 if
   * gone: its memory is given back once the kernel has started.
   */
  readonly kinds: Uint8Array;
}

/** Everything about one kernel build that building a livepatch module needs; made once, when the build is registered. */
export interface KernelFacts {
  readonly kernelBuild: KernelBuildId;
  readonly release: string;
  readonly layouts: LivepatchLayouts;
  readonly tables: TableLayouts;
  /** The compiled moduleGlueSource. */
  readonly glue: Uint8Array;
  readonly symbols: KernelSymbolTable;
  readonly exports: ReadonlyMap<string, ExportedSymbol>;
}

/** What `readKernelFacts` reads. Object bytes are ELF relocatables compiled with the kernel's own module flags. */
export interface KernelFactsInput {
  readonly vmlinux: Uint8Array;
  /** include/config/kernel.release, trimmed. */
  readonly release: string;
  /** The text of Module.symvers. */
  readonly moduleSymvers: string;
  /** By `fileName` of kernelProbeSources: the compiled object. */
  readonly probeObjects: ReadonlyMap<string, Uint8Array>;
  /** The compiled moduleGlueSource. */
  readonly glueObject: Uint8Array;
}

/** A C file to compile once per kernel build, as a module's object. */
export interface CSource {
  readonly fileName: string;
  readonly source: string;
}
