// SPDX-License-Identifier: GPL-2.0-only
import { join } from 'node:path';
import { parseElf } from '@lockstep/domain/elf';
import type { IndexedObject } from '@lockstep/domain/source-patch';
import {
  describeDifference,
  isNotLinked,
  kernelImage,
  moduleImage,
  type LinkedImage,
  type ObjectProof,
} from '@lockstep/domain/vendor-kernel';
import { builtModules } from '../builds/built-modules';
import type { KernelBuild } from '../builds/registered-kernel';
import { buildError } from '../processes/failure';
import { exists } from '../processes/stage';
import { isCodeOrSymbols, readSections, type SectionHeader } from '../vendors/read-sections';
import { isPatchable } from './compile-object';
import { Prover, type KernelToProve, type ProvedObject } from './prover';

/** Enough to see what is wrong. */
const shownDifferences = 5;

/**
 * The objects of a kernel that was built in its tree, each compared with the vmlinux or module beside it: one that was made
 * again after the link is in no kernel that runs. Cheap enough to be done while a compiler is waited for.
 */
export class BuiltOriginals {
  private readonly prover: Prover;

  constructor(private readonly kernel: KernelToProve & Pick<KernelBuild, 'stock' | 'delayedObjtool'>) {
    this.prover = new Prover(kernel, async (object) => readBuiltImage(kernel.treeDir, object));
  }

  /**
   * @returns undefined where nothing can be said: of a stock kernel, which has its own proof; where objtool changed vmlinux as
   *   a whole; and of what is not linked
   */
  async compare(indexed: IndexedObject): Promise<ProvedObject | undefined> {
    const { stock, delayedObjtool } = this.kernel;
    if (stock !== undefined || delayedObjtool !== null || !isPatchable(indexed)) return undefined;
    const proved = await this.prover.prove(indexed);
    return proved === undefined || isNotLinked(proved.proof) ? undefined : proved;
  }

  /** The same. @throws LockstepError `object-differs` */
  async prove(indexed: IndexedObject): Promise<ObjectProof | undefined> {
    const proved = await this.compare(indexed);
    if (proved === undefined) return undefined;
    const { objectPath, object, proof } = proved;
    if (proof.differences.length === 0) return proof;
    const shown = proof.differences.slice(0, shownDifferences).map((one) => describeDifference(one, 'kernel'));
    const more = proof.differences.length - shown.length;
    const differences = more > 0 ? [...shown, `and ${more} more`] : shown;
    throw buildError({ kind: 'object-differs', dir: this.kernel.treeDir, objectPath, object, differences });
  }
}

/** Whatever runs, names it or is relocated. */
const isLoaded = ({ name }: SectionHeader): boolean => !/^(?:\.rela)?\.debug/.test(name);

/** null where it is not there. */
async function readBuiltImage(treeDir: string, object: string): Promise<LinkedImage | null> {
  const isKernel = object === 'vmlinux';
  const file = isKernel ? join(treeDir, 'vmlinux') : (await builtModules(treeDir)).get(object);
  if (file === undefined || !(await exists(file))) return null;
  if (isKernel) return kernelImage(parseElf(await readSections(file, isCodeOrSymbols), file));
  return moduleImage(parseElf(await readSections(file, isLoaded), file));
}
