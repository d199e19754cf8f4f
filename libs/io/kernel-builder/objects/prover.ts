// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseElf } from '@lockstep/domain/elf';
import type { IndexedObject } from '@lockstep/domain/source-patch';
import { proveObject, type LinkedImage, type ObjectProof } from '@lockstep/domain/vendor-kernel';
import { proofFolder, type KernelBuild } from '../builds/registered-kernel';
import { writeFileAtomically } from '../processes/stage';

/** An object of a kernel, and how it compares with what was linked. */
export interface ProvedObject {
  readonly objectPath: string;
  /** `vmlinux` or the module's name. */
  readonly object: string;
  readonly proof: ObjectProof;
}

export const proofFile = (dir: string, objectPath: string): string => join(proofFolder(dir), `${objectPath}.json`);

/** What of a kernel build its objects are proved by. */
export interface KernelToProve extends Pick<KernelBuild, 'dir' | 'treeDir'> {
  readonly facts: Pick<KernelBuild['facts'], 'tables'>;
}

/** Compares objects of a tree with the kernel or module that they are part of: each once, then kept with the kernel build. */
export class Prover {
  private readonly images = new Map<string, Promise<LinkedImage | null>>();

  /** @param readImage `vmlinux` or a module by its name, asked once, when it is first needed; null where there is none */
  constructor(
    private readonly kernel: KernelToProve,
    private readonly readImage: (object: string) => Promise<LinkedImage | null>,
  ) {}

  /** @returns undefined where there is nothing to compare it with */
  async prove({ path, object }: IndexedObject): Promise<ProvedObject | undefined> {
    const { dir, treeDir, facts } = this.kernel;
    const name = object ?? '';
    const file = proofFile(dir, path);
    const kept = await readFile(file, 'utf8').catch(() => undefined);
    if (kept !== undefined) return { objectPath: path, object: name, proof: JSON.parse(kept) as ObjectProof };
    const image = await this.imageOf(name);
    if (image === null) return undefined;
    const proof = proveObject(parseElf(await readFile(join(treeDir, path)), path), image, facts.tables);
    await mkdir(dirname(file), { recursive: true });
    await writeFileAtomically(file, JSON.stringify(proof));
    return { objectPath: path, object: name, proof };
  }

  private async imageOf(object: string): Promise<LinkedImage | null> {
    const known = this.images.get(object);
    if (known !== undefined) return known;
    const image = this.readImage(object);
    this.images.set(object, image);
    return image;
  }
}
