// SPDX-License-Identifier: GPL-2.0-only
import type { ChunkPlace, ModuleChunk } from '@lockstep/contracts/wire';
import type { ArtifactSource } from '@lockstep/io/agent-journal';
import { LockstepError, type Sha256 } from '@lockstep/domain/livepatch-model';
import { problemFrom } from './problem';
import { isServerTrouble } from './server-trouble';

interface Download {
  readonly sha256: Sha256;
  readonly bytes: AsyncIterator<Uint8Array>;
  readonly abort: AbortController;
  /** Where its next chunk begins. */
  offset: number;
}

/** Modules in pieces, as the loader asks for them. What goes on where the last piece ended goes on with the same download. */
export class ModuleChunks {
  private current: Download | undefined;
  /** Answers come in the order in which they were asked for. */
  private asked: Promise<unknown> = Promise.resolve();

  constructor(private readonly fetch: (sha256: Sha256, signal: AbortSignal) => ArtifactSource) {}

  /** Who asks for another module does not wait for the one before any more: that may have been waiting for long. */
  next(place: ChunkPlace): Promise<ModuleChunk> {
    if (this.current !== undefined && this.current.sha256 !== place.sha256) this.current.abort.abort();
    const answer = this.asked.then(() => this.read(place));
    this.asked = answer;
    return answer;
  }

  private async read({ sha256, offset }: ChunkPlace): Promise<ModuleChunk> {
    try {
      const download = await this.at(sha256, offset);
      for (;;) {
        const next = await download.bytes.next();
        if (next.done === true) {
          this.current = undefined;
          return { kind: 'end' };
        }
        download.offset += next.value.length;
        // Nothing at all would be taken for the end.
        if (next.value.length > 0) return { kind: 'bytes', bytes: next.value };
      }
    } catch (error) {
      this.current = undefined;
      const isRefused = error instanceof LockstepError && !isServerTrouble(error.kind);
      return { kind: isRefused ? 'refused' : 'away', problem: problemFrom(error) };
    }
  }

  private async at(sha256: Sha256, offset: number): Promise<Download> {
    if (this.current?.sha256 === sha256 && this.current.offset === offset) return this.current;
    await this.current?.bytes.return?.();
    const abort = new AbortController();
    const bytes = this.fetch(sha256, abort.signal)(offset)[Symbol.asyncIterator]();
    this.current = { sha256, offset, bytes, abort };
    return this.current;
  }
}
