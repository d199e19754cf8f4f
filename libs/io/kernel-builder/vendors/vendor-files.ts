// SPDX-License-Identifier: GPL-2.0-only
import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { parseElf, readBuildId, sectionType } from '@lockstep/domain/elf';
import { belowSourceTree, readCompileUnits, type CompileUnit, type KnownPaths } from '@lockstep/domain/vendor-kernel';
import { mapAtOnce } from '../processes/at-once';
import { buildError } from '../processes/failure';
import { exists } from '../processes/stage';
import type { VendorKernel } from './find-vendor-kernel';
import { readDecompressed } from './read-decompressed';
import { isCodeOrSymbols, readSections, type SectionHeader } from './read-sections';

/** In a folder of its own in the tree, which no part of the kernel's build looks into. */
export const vendorFolder = '.vendor';

const kernelFile = (treeDir: string): string => join(treeDir, vendorFolder, 'kernel');
const moduleFolder = (treeDir: string): string => join(treeDir, vendorFolder, 'modules');

/** The image that the vendor's machines boot. */
export const keptBootImage = (treeDir: string): string => join(treeDir, vendorFolder, 'boot-image');

/** What was compiled into `vmlinux` or a module of that name. */
export interface VendorObjectUnits {
  readonly object: string;
  readonly units: readonly CompileUnit[];
}

const isLineTable = ({ name }: SectionHeader): boolean => /^(?:\.rela)?\.debug_line(?:_str)?$/.test(name);

/** Symbols, places and the build-id: the code is in the module itself. */
const isSymbolTable = ({ name, type }: SectionHeader): boolean =>
  type === sectionType.symtab ||
  type === sectionType.symtabShndx ||
  type === sectionType.strtab ||
  name === '.note.gnu.build-id';

/** The vendor's vmlinux without its debug information. @throws LockstepError `no-symbols` */
export async function readVendorVmlinux(file: string): Promise<Uint8Array> {
  const bytes = await readSections(file, isCodeOrSymbols);
  if (parseElf(bytes, file).symbols.count > 0) return bytes;
  throw buildError({ kind: 'no-symbols', file, lacks: 'symbols' });
}

/** The names of its modules by the file's: `kernel/net/sctp/sctp.ko.xz` is `sctp`. */
export const moduleNameOfFile = (file: string): string =>
  basename(file)
    .replace(/\.ko(?:\.\w+)*$/, '')
    .replaceAll('-', '_');

const isModule = (file: string): boolean => /\.ko(?:\.(?:xz|gz|zst))?$/.test(file);

/**
 * Keeps in a tree what of the vendor's kernel proofs and symbols need, and reads which sources it was compiled from: of a
 * whole kernel's debug information, only the line tables' headers.
 * @param vmlinux as readVendorVmlinux gives it
 * @throws LockstepError `no-symbols` without debug information
 */
export async function keepVendorFiles(
  vendor: VendorKernel,
  treeDir: string,
  vmlinux: Uint8Array,
): Promise<VendorObjectUnits[]> {
  await mkdir(moduleFolder(treeDir), { recursive: true });
  await writeFile(kernelFile(treeDir), vmlinux);
  if (vendor.image !== undefined) await copyFile(vendor.image, keptBootImage(treeDir), constants.COPYFILE_FICLONE);
  const known: KnownPaths = new Map();
  const lines = await readSections(vendor.vmlinux, isLineTable);
  const units = belowSourceTree(readCompileUnits(parseElf(lines, vendor.vmlinux), known));
  // Without them nobody knows what was compiled: each patch would seem to change nothing.
  if (units.length === 0) throw buildError({ kind: 'no-symbols', file: vendor.vmlinux, lacks: 'debug information' });
  const { modules, debugModules } = vendor;
  if (modules === undefined) return [{ object: 'vmlinux', units }];
  const files = (await readdir(modules, { recursive: true })).filter(isModule).sort();
  const keeping = { modules, debugModules: debugModules ?? modules, treeDir, known };
  return [{ object: 'vmlinux', units }, ...(await mapAtOnce(files, 4, async (file) => keepModule(keeping, file)))];
}

interface Keeping {
  /** Folders. */
  readonly modules: string;
  readonly debugModules: string;
  readonly treeDir: string;
  readonly known: KnownPaths;
}

async function keepModule(keeping: Keeping, file: string): Promise<VendorObjectUnits> {
  const { modules, treeDir, known } = keeping;
  const object = moduleNameOfFile(file);
  const kept = join(moduleFolder(treeDir), `${object}${file.slice(file.lastIndexOf('.ko'))}`);
  await copyFile(join(modules, file), kept, constants.COPYFILE_FICLONE);
  const debugFile = await debugFileOf(keeping, file);
  if (debugFile === undefined) return { object, units: [] };
  const bytes = await readSections(debugFile, (section) => isLineTable(section) || isSymbolTable(section));
  await writeFile(join(moduleFolder(treeDir), `${object}.debug`), bytes);
  return { object, units: belowSourceTree(readCompileUnits(parseElf(bytes, debugFile), known)) };
}

/** `sctp.ko` beside the kernel's debug file, or `sctp.ko.debug`. */
async function debugFileOf({ modules, debugModules }: Keeping, file: string): Promise<string | undefined> {
  const below = relative(modules, join(modules, dirname(file), basename(file).replace(/\.ko.*$/, '.ko')));
  for (const suffix of ['', '.debug']) {
    const path = join(debugModules, `${below}${suffix}`);
    if (await exists(path)) return path;
  }
  return undefined;
}

/** The kernel as keepVendorFiles left it. */
export async function readKeptVmlinux(treeDir: string): Promise<Uint8Array> {
  return readFile(kernelFile(treeDir));
}

/** The names of the modules that a tree keeps. */
export async function keptModules(treeDir: string): Promise<string[]> {
  const files = await readdir(moduleFolder(treeDir)).catch(() => []);
  return files.filter(isModule).sort().map(moduleNameOfFile);
}

export interface KeptModule {
  /** The module as it is loaded, uncompressed. */
  readonly module: Uint8Array;
  /** The same module's symbols with the names of their files; undefined where the vendor ships none. */
  readonly symbols: Uint8Array | undefined;
}

/**
 * A module of the vendor's by its name; undefined where there is none.
 * @throws LockstepError `debug-file-differs` where its symbols are of another build
 */
export async function readKeptModule(treeDir: string, object: string): Promise<KeptModule | undefined> {
  const dir = moduleFolder(treeDir);
  for (const suffix of ['.ko', '.ko.xz', '.ko.zst', '.ko.gz']) {
    const file = join(dir, `${object}${suffix}`);
    if (!(await exists(file))) continue;
    const module = await readDecompressed(file);
    const symbols = await readFile(join(dir, `${object}.debug`)).catch(() => undefined);
    if (symbols !== undefined) {
      const [own, others] = [module, symbols].map((bytes) => readBuildId(parseElf(bytes, `${object}.ko`)));
      if (own !== others)
        throw buildError({ kind: 'debug-file-differs', module: object, own: own ?? '', found: others ?? '' });
    }
    return { module, symbols };
  }
  return undefined;
}
