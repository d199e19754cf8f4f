// SPDX-License-Identifier: GPL-2.0-only
import { stackAt } from '@lockstep/domain/load-order';
import { parseSeq, type ArtifactManifest, type Sha256 } from '@lockstep/domain/livepatch-model';
import type { Known } from './node-state';

/** A host's disk is not filled for what it may be told to load one day. */
export const mostBytesAhead = 256 * 1024 * 1024;

/**
 * What the stack where the log ends consists of, bottom first, and is not here: a node that has it moves without waiting
 * for anybody. What was retired since is in no such stack; nor is there anything to expect of a history that is in doubt.
 */
export function modulesAhead(
  { entries, fork, unreadable }: Pick<Known, 'entries' | 'fork' | 'unreadable'>,
  present: ReadonlySet<Sha256>,
): ArtifactManifest[] {
  if (fork !== undefined || unreadable !== undefined) return [];
  let bytes = 0;
  const modules = stackAt(entries, parseSeq(entries.length)).map(({ body }) => body.artifact);
  const inRoom = modules.filter(({ sizeBytes }) => {
    const fits = bytes + sizeBytes <= mostBytesAhead;
    if (fits) bytes += sizeBytes;
    return fits;
  });
  return inRoom.filter(({ sha256 }) => !present.has(sha256));
}
