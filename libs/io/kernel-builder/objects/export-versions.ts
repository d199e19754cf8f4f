// SPDX-License-Identifier: GPL-2.0-only
import { parseElf } from '@lockstep/domain/elf';
import type { KernelFacts } from '@lockstep/domain/klp-module';
import { compileStepOf, type EnabledOptions } from '@lockstep/domain/source-patch';
import { changedTypeOf, parseSymbolTypes, type SymbolTypes } from '@lockstep/domain/type-layouts';
import type { CompileJob } from './compile-object';
import { buildError } from '../processes/failure';
import { readInTree } from './run-in-tree';

/** What of a kernel build says which versions its exported symbols have. */
export interface ExportVersions {
  readonly treeDir: string;
  readonly enabledOptions: EnabledOptions;
  readonly facts: Pick<KernelFacts, 'exports'>;
}

const entryPrefix = '__ksymtab_';

/**
 * With CONFIG_MODVERSIONS every module carries a CRC of the types of each symbol that it uses. A diff that changes one,
 * be it by a field of a struct that a prototype only reaches through pointers, makes what the modules were built for
 * untrue, even where no code of this object differs. One that only knows more of the same types (a new #include completes
 * them) does not: the modules of this kernel go on with the CRCs that it has.
 * @param object any build of it: it tells what is exported
 * @param dir a copy of the tree that has the diff applied
 * @throws LockstepError `export-version-changed`
 */
export async function refuseChangedVersions(
  job: CompileJob,
  object: Buffer,
  { treeDir, enabledOptions, facts }: ExportVersions,
  dir: string,
  signal?: AbortSignal,
): Promise<void> {
  if (!enabledOptions.has('MODVERSIONS') || !object.includes(entryPrefix)) return;
  const versions = await readVersions(job, dir, signal);
  const differing = exportedBy(object, job.indexed.path).filter((name) => {
    const before = facts.exports.get(name)?.crc;
    // One that the kernel does not have is new: the differ says so.
    return before !== undefined && before !== (versions.get(name) ?? 0);
  });
  if (differing.length === 0) return;
  const [before, after] = await Promise.all([treeDir, dir].map(async (tree) => readTypes(job, tree, signal)));
  for (const name of differing) {
    // What the unchanged source does not give back is not known either.
    const isKnown = before?.versions.get(name) === facts.exports.get(name)?.crc;
    const type =
      before !== undefined && after !== undefined && isKnown ? changedTypeOf(name, before.types, after.types) : name;
    if (type === null) continue;
    const { path, source } = job.indexed;
    throw buildError({ kind: 'export-version-changed', object: path, file: source, function: name, type });
  }
}

function exportedBy(object: Buffer, name: string): string[] {
  const { symbols } = parseElf(object, name);
  const names = Array.from({ length: symbols.count }, (_, symbol) => symbols.name(symbol));
  return names.filter((entry) => entry.startsWith(entryPrefix)).map((entry) => entry.slice(entryPrefix.length));
}

/** genksyms, run as kbuild does (cmd_gensymtypes_c in scripts/Makefile.build). */
const genksyms = 'scripts/genksyms/genksyms -r /dev/null';
/** Between what genksyms says and the types that it has written down. */
const typesFollow = '--- types ---';

async function runGenksyms(
  { saved, indexed }: CompileJob,
  dir: string,
  withTypes: boolean,
  signal?: AbortSignal,
): Promise<string> {
  const compile = compileStepOf(saved.command);
  const preprocess = compile
    .replace(` -c -o ${saved.target} `, ' -E -D__GENKSYMS__ ')
    // The list of dependencies is the compiler's, which may run at the same time.
    .replace(/ -Wp,-M\S+/, '');
  const command = withTypes
    ? `types=$(mktemp); ${preprocess} | ${genksyms} -T "$types" || :; echo '${typesFollow}'; cat "$types"; rm "$types"`
    : `${preprocess} | ${genksyms} || :`;
  return (await readInTree({ dir, command, what: `genksyms of ${indexed.path}`, signal })).output;
}

/** Symbols that genksyms does not tell have version 0. */
async function readVersions(job: CompileJob, dir: string, signal?: AbortSignal): Promise<Map<string, number>> {
  return versionsIn(await runGenksyms(job, dir, false, signal));
}

function versionsIn(output: string): Map<string, number> {
  // From 6.0 on as a comment for modpost, before as an assignment for the linker.
  const lines = output.matchAll(/^(?:#SYMVER (\S+)|__crc_(\S+) =) (0x[0-9a-f]+)/gm);
  return new Map(Array.from(lines, ([, now, before, version]) => [now ?? before ?? '', Number(version)]));
}

interface Types {
  readonly versions: ReadonlyMap<string, number>;
  readonly types: SymbolTypes;
}

async function readTypes(job: CompileJob, dir: string, signal?: AbortSignal): Promise<Types> {
  const output = await runGenksyms(job, dir, true, signal);
  const [said = '', types = ''] = output.split(`${typesFollow}\n`);
  return { versions: versionsIn(said), types: parseSymbolTypes(types) };
}
