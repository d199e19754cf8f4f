// SPDX-License-Identifier: GPL-2.0-only
import type { Sleeper } from './sleepers';
import type { StateVariable } from './state';
import type { ChangeReason } from './change-reason';
import type { TableLayouts } from './table-layouts';

/** A symbol of the running kernel (or of the patched module) that carried code refers to. */
export interface KernelSymbol {
  /** Name as in the original object, so as in the running kernel. */
  readonly name: string;
  /** `local`: found in the part of the symbol table that belongs to this object's source file. */
  readonly scope: 'local' | 'global';
  /** An undefined weak symbol: nothing where the kernel has none of that name. */
  readonly optional: boolean;
  /** The original object defines it weakly: another object's definition may run in its place. */
  readonly weak: boolean;
}

/** What a relocation points at: another carried piece, or what runs already. Both are indexes into the ObjectDiff. */
export type RelocationTarget =
  { readonly kind: 'piece'; readonly piece: number } | { readonly kind: 'kernel'; readonly symbol: number };

/** One RELA relocation of a piece: `offset` in the piece's bytes, `type` and `addend` as in the x86_64 psABI. */
export interface PieceRelocation {
  readonly offset: number;
  readonly type: number;
  readonly target: RelocationTarget;
  readonly addend: number;
}

/** A run of bytes that goes into the livepatch module. */
export interface Piece {
  /** The output section: `.text`, `.rodata`, `__bug_table`, … Pieces of one section are laid in order. */
  readonly section: string;
  /** sh_type and sh_flags of the output section. */
  readonly sectionType: number;
  readonly sectionFlags: number;
  readonly alignment: number;
  readonly sizeBytes: number;
  /** Empty for SHT_NOBITS. */
  readonly bytes: Uint8Array;
  readonly relocations: readonly PieceRelocation[];
  /** Its author says (`__ref`) that it knows when what is only there at the start is gone. */
  readonly mayUseStart?: true;
  /** The symbol that covers the piece, if one does. */
  readonly symbol: { readonly name: string; readonly type: 'function' | 'object' } | null;
}

/** A function whose code differs. `piece` is the new code. */
export interface ChangedFunction {
  /** As the running kernel names it. */
  readonly symbol: KernelSymbol;
  readonly piece: number;
  /** Why it counts as changed; never empty. Offsets are those of the original's code. */
  readonly reasons: readonly ChangeReason[];
}

/** All that a livepatch module needs to know about one changed object; it refers to neither ELF file any more. */
export interface ObjectDiff {
  /** As given: `fs/proc/meminfo.o`. */
  readonly objectPath: string;
  /** The STT_FILE name (`meminfo.c`) and the object's local symbols: they find its part of the kernel's symbol table. */
  readonly fileName: string;
  readonly localNames: readonly string[];
  readonly functions: readonly ChangedFunction[];
  /** Names of functions that exist only in the patched object and are carried. */
  readonly newFunctions: readonly string[];
  /** Global symbols that exist only in the patched object: other objects of the same patch may refer to them. */
  readonly newGlobals: readonly NewGlobal[];
  /** Global in the patched object, local in the running kernel: other objects of the same patch may refer to them now. */
  readonly widened: readonly KernelSymbol[];
  /** Symbols that others may refer to by name, which the patched object has no more. */
  readonly goneGlobals: readonly string[];
  /** Such that it has alone, with further names of what was there. */
  readonly addedGlobals: readonly string[];
  /** Functions that are replaced by new ones for want of an ftrace entry, and whose address the running kernel may keep. */
  readonly oldAddresses: readonly string[];
  /** Functions that the patched object has no more, and whose address the running kernel may keep. */
  readonly goneAddresses: readonly string[];
  /** State of the running kernel that the patched object has no more, and such that it has alone. */
  readonly goneState: readonly StateVariable[];
  readonly newState: readonly StateVariable[];
  readonly pieces: readonly Piece[];
  readonly kernelSymbols: readonly KernelSymbol[];
  /** Those of `functions` that tasks sleep in. */
  readonly sleepers: readonly Sleeper[];
  /** Names that only the patched object exports: no module was built against them. */
  readonly newExports: readonly string[];
  /** Livepatch callbacks that the patch declares: the piece that holds the function. */
  readonly callbacks: readonly LivepatchCallback[];
}

export interface NewGlobal {
  readonly name: string;
  readonly piece: number;
}

export interface LivepatchCallback {
  readonly kind: 'pre_patch' | 'post_patch' | 'pre_unpatch' | 'post_unpatch';
  readonly piece: number;
}

export interface ObjectPair {
  /** ELF relocatables compiled with -ffunction-sections -fdata-sections by the same compiler. */
  readonly original: Uint8Array;
  readonly patched: Uint8Array;
  /** What the kernel itself runs, where `original` has patches in it that are loaded below this one. */
  readonly running?: Uint8Array | undefined;
  readonly objectPath: string;
  readonly tables: TableLayouts;
  /** Names of static variables of functions whose numbers are known to be the same in all builds: `count` for `count.0`. */
  readonly provenStatics?: ReadonlySet<string> | undefined;
  /** Compare also what whole sections prove equal: slower, with the same result; tests compare the two. */
  readonly thorough?: boolean;
}
