// SPDX-License-Identifier: GPL-2.0-only
import type { SavedCommand } from './cmd-file';
import { sourcePatchError } from './failure';

/** One section a function and a datum, so that the differ can tell and take them apart. */
const sectionFlags = '-ffunction-sections -fdata-sections';

/**
 * The saved compile command with the differ's flags, otherwise as kbuild ran it: output and includes at their own
 * paths, to be run at the root of a copy of the tree.
 * @throws LockstepError `unsupported-change` where the command is not a plain C compile
 */
export function withSectionFlags(saved: SavedCommand): string {
  return withFlags(saved, sectionFlags);
}

/**
 * As withSectionFlags, and where the command has debug information anyway, such of it as withTypeRecord makes: the last of several
 * -g options counts. Code is the same; it takes a quarter less time than a vendor's own, and the object needs no second one.
 */
const withReplayFlags = (saved: SavedCommand, more = ''): string =>
  withFlags(saved, [sectionFlags, ...(recordsTypes(saved) ? [typeRecordFlags(saved)] : []), more].join(' ').trim());

/** Whether what withNamesKept makes tells of types as what withTypeRecord makes. */
export const recordsTypes = (saved: SavedCommand): boolean =>
  !isClang(saved) &&
  / -g(?:[1-3]|gdb|dwarf\S*)? /.test(saved.command) &&
  !/ -g0 | -femit-struct-debug-/.test(saved.command);

/** What stands before the step in which objtool reads the object. */
export const compileStepOf = (command: string): string => command.split(/ ?; ?\.\/tools\/objtool\//)[0] ?? '';

/**
 * As it is replayed, with references by name to the static functions and variables `names`, which share a section:
 * global ones keep theirs, so these are global until objcopy makes them local again. `-mshared` has the assembler keep
 * jumps between global functions of one section as relocations, too.
 * @param list a file to write them to; its name stands for its content, for compilers behind a cache that goes by the
 *   command alone
 */
export function withNamesKept(saved: SavedCommand, names: readonly string[], list: string): string {
  if (names.length === 0) return withReplayFlags(saved);
  const [declare, flags] = isClang(saved)
    ? [`printf 'asm(".globl %s");\\n' ${names.join(' ')} >${list}.h`, `-include ./${list}.h`]
    : [`printf '.globl %s\\n' ${names.join(' ')} >${list}.s`, `-Wa,-mshared,${list}.s`];
  const command = withReplayFlags(saved, flags);
  const compile = compileStepOf(command);
  const localise = `printf '%s\\n' ${names.join(' ')} >${list}; objcopy --localize-symbols=${list} ${saved.target}`;
  const cleanUp = `rm -f ${list} ${list}.h ${list}.s`;
  return `${declare}; ${compile}; ${localise}; ${cleanUp}${command.slice(compile.length)}`;
}

/** The compile step with a record of its types, in an object of its own: `TARGET.types`. */
export function withTypeRecord(saved: SavedCommand): SavedCommand {
  const target = `${saved.target}.types`;
  const compile = compileStepOf(withFlags(saved, typeRecordFlags(saved)));
  // The list of dependencies is the other compile's.
  const command = compile.replace(` -c -o ${saved.target} `, ` -c -o ${target} `).replace(/ -Wp,-M\S+/, '');
  return { ...saved, target, command };
}

/** The last of several -g options counts; locations of variables are what takes the time. Compressed nobody here reads it. */
const typeRecordFlags = (saved: SavedCommand): string =>
  `-g -gdwarf-4 -gno-split-dwarf -gz=none${isClang(saved) ? '' : ' -fno-var-tracking'}`;

const isClang = ({ command }: SavedCommand): boolean => /^(?:\S*ccache )?\S*clang/.test(command);

function withFlags(saved: SavedCommand, flags: string): string {
  const output = ` -c -o ${saved.target} `;
  const at = saved.command.indexOf(output);
  if (at < 0) {
    const reason = `it is not made by a plain compile command, so it cannot be made again: ${saved.command.slice(0, 120)}`;
    throw sourcePatchError({ kind: 'unsupported-change', file: saved.target, reason });
  }
  return `${saved.command.slice(0, at)} ${flags}${saved.command.slice(at)}`;
}

/** Kernel config options that are `y`. */
export type EnabledOptions = ReadonlySet<string>;

/** Reads a `.config` or auto.conf. */
export function readEnabledOptions(config: string): EnabledOptions {
  return new Set([...config.matchAll(/^CONFIG_(\w+)=y$/gm)].map((match) => match[1] ?? ''));
}

/**
 * What objtool was told of vmlinux, where that is the only place it ran (CONFIG_X86_KERNEL_IBT): null where objects got
 * their own run. Left out is what is checked of a linked kernel only, and the list of seals, which no patch carries.
 * @param savedLink the saved command that linked vmlinux.o
 */
export function delayedObjtool(savedLink: string): string | null {
  const flags = /\/objtool ((?:--\S+ +)+)vmlinux\.o/.exec(savedLink)?.[1]?.trim().split(/ +/) ?? [];
  if (!flags.includes('--ibt')) return null;
  return flags.filter((flag) => !['--ibt', '--link', '--noinstr', '--unret'].includes(flag)).join(' ');
}

/** What decides how objtool runs on an object. */
export interface ObjtoolUse {
  readonly enabledOptions: EnabledOptions;
  readonly delayedObjtool: string | null;
}

/** What was built. */
export interface BuiltObject {
  /** Part of a module, not of vmlinux. */
  readonly isModule: boolean;
  /** objtool leaves ORC data behind in every object that it was run on. */
  readonly hasOrcData: boolean;
}

/**
 * The objtool step after the compiler, as ` ; command` to append; empty if kbuild ran none or if the saved command has
 * it already (from 5.19 on). Before that kbuild did not save it: this repeats the rule in 5.15's scripts/Makefile.build,
 * and that it gives kbuild's very bytes is tested over whole trees. Where objtool ran on the whole vmlinux, the object
 * gets the tables that vmlinux has for it.
 */
export function objtoolStep(
  saved: SavedCommand,
  { enabledOptions: enabled, delayedObjtool: delayed }: ObjtoolUse,
  { isModule, hasOrcData }: BuiltObject,
): string {
  if (saved.command.includes('/objtool ')) return '';
  if (delayed !== null) return ` ; ./tools/objtool/objtool ${delayed}${isModule ? ' --module' : ''} ${saved.target}`;
  if (!enabled.has('STACK_VALIDATION')) return '';
  if (enabled.has('UNWINDER_ORC') && !hasOrcData) return '';
  const flags = [
    enabled.has('UNWINDER_ORC') ? 'orc generate' : 'check',
    isModule ? '--module' : '',
    enabled.has('FRAME_POINTER') ? '' : '--no-fp',
    enabled.has('GCOV_KERNEL') || enabled.has('LTO_CLANG') ? '--no-unreachable' : '',
    enabled.has('RETPOLINE') ? '--retpoline' : '',
    enabled.has('RETHUNK') ? '--rethunk' : '',
    enabled.has('X86_SMAP') ? '--uaccess' : '',
    enabled.has('FTRACE_MCOUNT_USE_OBJTOOL') ? '--mcount' : '',
    enabled.has('SLS') ? '--sls' : '',
  ].filter((flag) => flag !== '');
  return ` ; ./tools/objtool/objtool ${flags.join(' ')} ${saved.target}`;
}
