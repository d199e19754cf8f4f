// SPDX-License-Identifier: GPL-2.0-only
import { deserialize, serialize } from 'node:v8';
import { LockstepError, type Sha256 } from '@lockstep/domain/livepatch-model';
import { readWhole, type ArtifactStore } from '@lockstep/io/artifact-store';
import type { ComparedObject } from '@lockstep/io/kernel-builder';

/** Other versions of the worker write, and read, other shapes. */
const format = 'lockstep differences 4';

interface Content {
  readonly format: string;
  readonly compared: readonly ComparedObject[];
}

/** Keeps what one worker found for the one that links: a file of the artifact store, named by its content. */
export async function keepDifferences(store: ArtifactStore, compared: readonly ComparedObject[]): Promise<Sha256> {
  const content: Content = { format, compared };
  return (await store.put(serialize(content))).sha256;
}

/** @throws LockstepError `not-found` `artifact-missing`, `corrupt` `artifact-damaged`, `foreign-differences`. */
export async function readDifferences(store: ArtifactStore, sha256: Sha256): Promise<readonly ComparedObject[]> {
  const content = deserialize(await readWhole(store, sha256)) as Partial<Content>;
  if (content.format === format && content.compared !== undefined) return content.compared;
  const message = 'A part of the build was done by another version of the worker: run one version on all machines.';
  throw new LockstepError('corrupt', 'foreign-differences', message, { sha256 });
}
