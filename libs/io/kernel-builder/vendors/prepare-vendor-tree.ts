// SPDX-License-Identifier: GPL-2.0-only
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseElf } from '@lockstep/domain/elf';
import { addedOptions, droppedOptions, isWholeConfig } from '@lockstep/domain/running-kernel';
import {
  buildSaltOf,
  identityArguments,
  kernelBanner,
  packageArguments,
  withBuildSalt,
} from '@lockstep/domain/vendor-kernel';
import { buildError, firstErrorLines } from '../processes/failure';
import { forObjectsAlone, runMake } from '../processes/run-make';
import type { OnProgress } from '../processes/stage';
import { prepareKernelTree } from '../sources/kernel-source';
import type { VendorKernel } from './find-vendor-kernel';
import { readDecompressed } from './read-decompressed';
import { isNote, readSections } from './read-sections';
import { checkSourceVersion } from './source-version';

export interface PrepareVendorTreeOptions {
  readonly vendor: VendorKernel;
  /** Made; sources and what kbuild needs before it compiles. */
  readonly treeDir: string;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A tree in which the kernel's own build can compile any one object as the vendor did. */
export interface VendorTree {
  /** `gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0`, as the vendor's config names it. */
  readonly compiler: string;
  /** What every make in the tree is told. */
  readonly makeArguments: readonly string[];
  readonly config: string;
  /** What was done to the vendor's config, for a person. */
  readonly remarks: readonly string[];
}

/** Files of the vendor's that only signing needs; what is compiled of them is data of one object. */
const signingOptions = ['SYSTEM_TRUSTED_KEYS', 'SYSTEM_REVOCATION_KEYS', 'MODULE_SIG_KEY'];

/** Options that change no byte of compiled code. */
const cannotMatter = new Set([...signingOptions, 'MODULE_SIG_ALL', 'SYSTEM_REVOCATION_LIST']);

/**
 * The vendor's source with its config and everything that is generated before objects are compiled: nothing else is.
 * @throws LockstepError `not-a-kernel-tree`, `packages-mixed`, `options-dropped`, `make-failed`
 */
export async function prepareVendorTree(options: PrepareVendorTreeOptions): Promise<VendorTree> {
  await unpackVendorSource(options);
  return configureVendorTree(options);
}

/** The first half of it, which keeps all processors busy. @throws LockstepError `not-a-kernel-tree` */
export async function unpackVendorSource(options: PrepareVendorTreeOptions): Promise<void> {
  const { vendor, treeDir, onProgress, signal } = options;
  onProgress?.({ stage: 'unpack the source', done: 0, total: 1 });
  const isFolder = (await stat(vendor.source)).isDirectory();
  const source = isFolder
    ? ({ kind: 'tree', dir: vendor.source } as const)
    : ({ kind: 'tarball', file: vendor.source } as const);
  await prepareKernelTree({ source, targetDir: treeDir, signal });
}

/** The second, in which one of them is busy for long. @throws LockstepError `packages-mixed`, `options-dropped`, `make-failed` */
export async function configureVendorTree(options: PrepareVendorTreeOptions): Promise<VendorTree> {
  const { vendor, treeDir, onProgress, signal } = options;
  const said = await readSections(vendor.vmlinux, (section) => isNote(section) || section.name === '.rodata');
  const banner = kernelBanner(said);
  const makefile = await readFile(join(treeDir, 'Makefile'), 'utf8');
  checkSourceVersion(vendor, banner, makefile);
  const asked = await readFile(vendor.config, 'utf8');
  const compiler = /^CONFIG_CC_VERSION_TEXT="(.*)"$/m.exec(asked)?.[1] ?? '';
  const { config, remarks } = withoutKeys(asked);
  const salt = buildSaltOf(parseElf(said, vendor.vmlinux));
  await writeFile(join(treeDir, '.config'), withBuildSalt(config, salt));
  if (vendor.symvers !== undefined)
    await writeFile(join(treeDir, 'Module.symvers'), await readDecompressed(vendor.symvers));
  const makeArguments = [
    `KERNELRELEASE=${vendor.release}`,
    ...compilerArgument(compiler),
    ...packageArguments(banner, makefile),
    ...identityArguments(banner),
    ...(await standIns(treeDir, asked)),
  ];
  const make = async (...args: string[]): Promise<void> => {
    const { status, output } = await runMake(treeDir, [...makeArguments, ...args], { signal });
    if (status === 0) return;
    throw buildError({ kind: 'make-failed', step: `make ${args.join(' ')}`, lastLines: firstErrorLines(output) });
  };
  onProgress?.({ stage: 'configure', done: 0, total: 1 });
  await make('olddefconfig');
  const got = await readFile(join(treeDir, '.config'), 'utf8');
  remarks.push(...changedOptions(asked, got, vendor.config));
  onProgress?.({ stage: 'prepare (make modules_prepare)', done: 0, total: 1 });
  await make('-s', `-j${availableParallelism()}`, ...forObjectsAlone, 'modules_prepare');
  return { compiler, makeArguments, config: got, remarks };
}

/** The vendor's keys are not in its source. */
function withoutKeys(config: string): { config: string; remarks: string[] } {
  const remarks: string[] = [];
  const cleared = config.replace(/^CONFIG_(\w+)="(.+)"$/gm, (line, option: string, value: string) => {
    if (!signingOptions.includes(option)) return line;
    remarks.push(
      `CONFIG_${option}="${value}" is cleared: the vendor's key is not in its source, and no code depends on it`,
    );
    return `CONFIG_${option}=""`;
  });
  return { config: cleared, remarks };
}

/** `gcc-12` of `gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0`; of clang only a version is known: distributors name its command by that. */
export function commandOf(compiler: string): string {
  const clang = /clang version (\d+)/.exec(compiler)?.[1];
  return clang === undefined ? (/^[\w.+-]+/.exec(compiler)?.[0] ?? 'gcc') : `clang-${clang}`;
}

const compilerArgument = (compiler: string): string[] => {
  const command = commandOf(compiler);
  return command === 'gcc' ? [] : [`CC=${command}`];
};

/**
 * pahole writes type information into a linked kernel, which nobody links here, but its version decides about options that
 * change struct module. So it is only asked for its version, and a stand-in tells the vendor's.
 */
async function standIns(treeDir: string, config: string): Promise<string[]> {
  const version = /^CONFIG_PAHOLE_VERSION=([1-9]\d*)(\d\d)$/m.exec(config);
  if (version === null) return [];
  const file = join(treeDir, 'scripts', 'vendor-pahole');
  await writeFile(file, `#!/bin/sh\necho v${version[1] ?? ''}.${version[2] ?? ''}\n`);
  await chmod(file, 0o755);
  return ['PAHOLE=./scripts/vendor-pahole'];
}

/**
 * A build has written all options into its config: one that it lacks is of a source of another version.
 * @returns what was left to the source, for a person
 * @throws LockstepError `options-dropped`
 */
function changedOptions(asked: string, got: string, given: string): string[] {
  const canMatter = ({ option }: { readonly option: string }): boolean => !cannotMatter.has(option);
  const dropped = droppedOptions(asked, got).filter(canMatter);
  const added = addedOptions(asked, got).filter(canMatter);
  const isWhole = isWholeConfig(asked);
  const options = dropped.map(({ option, asked: wanted, got: now }) => `${option}=${wanted} (is ${now})`);
  if (isWhole) options.push(...added.map(({ option, got: now }) => `${option}, of which it says nothing (is ${now})`));
  if (options.length > 0) throw buildError({ kind: 'options-dropped', given, options });
  if (isWhole || added.length === 0) return [];
  return [`${given} is no whole config: ${added.length} options are as this source has them by default`];
}
