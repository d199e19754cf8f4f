// SPDX-License-Identifier: GPL-2.0-only
import { chunksOf, type Correlation } from './correlate';
import { isComparedByContent, type Chunk } from './object-model';
import { differRefusal } from './refusal';
import type { Side } from './side';
import type { Skim } from './skim';
import { isState } from './state';

/**
 * An original object that has patches in it which the running kernel got as livepatches: what came with them is in
 * their modules and has no symbol of the kernel's.
 */
export class Below {
  /** Functions and constants that came with the patches below: who needs them takes a copy along. */
  readonly copied: readonly Chunk[];
  private readonly copies: ReadonlySet<Chunk>;

  /** @param correlation from the running kernel's own object to the original with the patches */
  constructor(
    private readonly objectPath: string,
    original: Side,
    skim: Skim,
    private readonly correlation: Correlation,
  ) {
    const isNew = (chunk: Chunk): boolean => isNamed(chunk) && correlation.toOriginal(chunk) === undefined;
    this.copied = chunksOf(original.reader.model, skim.unsettledPatched()).filter(
      (chunk) => isNew(chunk) && !isState(chunk),
    );
    this.copies = new Set(this.copied);
  }

  /** A changed function that only a livepatch has cannot be redirected: its callers are to change. */
  isOnlyBelow(chunk: Chunk): boolean {
    if (!this.copies.has(chunk)) return false;
    if (chunk.scope !== 'global') return true;
    throw differRefusal('stacked-function', `${chunk.name} exists only in patches below, and others may call it.`, {
      object: this.objectPath,
      function: chunk.name,
      action: 'combine the patches, or leave that function as the patch below has it',
    });
  }

  /** What `chunk` of the original is in the running kernel. @throws LockstepError `stacked-state` */
  inKernel(chunk: Chunk): Chunk {
    const running = this.correlation.toOriginal(chunk);
    if (running !== undefined) return running;
    throw differRefusal(
      'stacked-state',
      `${chunk.name} exists only in patches below: a copy would be another variable.`,
      {
        object: this.objectPath,
        variable: chunk.name,
        section: chunk.section.name,
        action: 'combine the patches, or keep the new state in shadow variables',
      },
    );
  }
}

const isNamed = (chunk: Chunk): boolean =>
  (chunk.kind === 'function' || (chunk.kind === 'data' && chunk.role === 'data')) && !isComparedByContent(chunk);
