// SPDX-License-Identifier: GPL-2.0-only
import type { Answer } from '@lockstep/contracts/generated';
import {
  entryToWire,
  loaderFactsToWire,
  readToLoader,
  writeFromLoader,
  type ModuleChunk,
  type ToLoaderMessage,
} from '@lockstep/contracts/wire';
import type { ArtifactSource } from '@lockstep/io/agent-journal';
import type { LocalSocket } from '@lockstep/io/local-socket';
import { LockstepError, type Sha256 } from '@lockstep/domain/livepatch-model';
import type { FollowingLoader, Loader, LogAnchor, NetworkSide } from './loader';
import type { Log } from './logger';
import { problemFrom } from './problem';

export interface ConnectionOptions {
  readonly socket: LocalSocket;
  readonly loader: Loader;
  readonly log: Log;
  /** How often to say how the node stands, also without news (default 10 s). */
  readonly speaksEveryMs?: number | undefined;
}

const defaultSpeaksEveryMs = 10_000;

type FromLoaderMessage = Parameters<typeof writeFromLoader>[0];

type ChunkMessage = Extract<ToLoaderMessage, { readonly kind: 'chunk' }>;

/** Somebody waits for a chunk. */
interface Waiting {
  readonly take: (chunk: ModuleChunk) => void;
  readonly giveUp: (error: unknown) => void;
}

const gone = (): LockstepError =>
  new LockstepError('unavailable', 'other-half-away', 'The half of the agent with the network is gone.');

/**
 * The half with the network, seen through a socket. It is not trusted: whatever it says is read as a word that a control
 * plane may say, one after the other, and decided upon as if the control plane had said it. What is none ends the
 * connection.
 */
export class LoaderConnection implements NetworkSide {
  private following: FollowingLoader | undefined;
  /** In the order in which they asked; who has given up still gets its answer. */
  private readonly waiting: Waiting[] = [];
  private isSending = false;
  private hasNews = false;

  constructor(private readonly options: ConnectionOptions) {}

  /** From the first message to the end of the connection. Never throws. */
  async serve(): Promise<void> {
    const { socket, loader, log, speaksEveryMs = defaultSpeaksEveryMs } = this.options;
    const { needsBuildSignature } = loader;
    // Whoever speaks for it must not go on to do so when it hangs.
    const speaking = setInterval(() => {
      if (this.following !== undefined) this.onReport();
    }, speaksEveryMs);
    try {
      await this.send({
        $case: 'facts',
        value: loaderFactsToWire(loader.running, { needsBuildSignature, speaksEveryMs }),
      });
      for await (const bytes of socket.messages) await this.take(readToLoader(bytes));
    } catch (error) {
      const { reason, message } = problemFrom(error);
      log('warn', 'connection of the half with the network ended', { reason, problem: message });
    } finally {
      clearInterval(speaking);
      this.following = undefined;
      for (const { giveUp } of this.waiting.splice(0)) giveUp(gone());
      socket.close();
    }
  }

  /** Only the newest report waits for a half that does not read. */
  onReport(): void {
    this.hasNews = true;
    if (!this.isSending) this.sendReports().catch(() => undefined);
  }

  onReconnect(): void {
    this.send({ $case: 'sessionWanted', value: {} }).catch(() => undefined);
  }

  fetch(sha256: Sha256, signal?: AbortSignal): ArtifactSource {
    return (offset) => this.chunks(sha256, offset, signal);
  }

  close(): void {
    this.options.socket.close();
  }

  private async sendReports(): Promise<void> {
    this.isSending = true;
    try {
      while (this.hasNews && this.following !== undefined) {
        this.hasNews = false;
        await this.send({ $case: 'report', value: this.following.report });
      }
    } finally {
      this.isSending = false;
    }
  }

  private async *chunks(sha256: Sha256, from: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    for (let offset = from; ;) {
      signal?.throwIfAborted();
      const chunk = await this.ask(sha256, offset, signal);
      switch (chunk.kind) {
        case 'bytes':
          offset += chunk.bytes.length;
          yield chunk.bytes;
          break;
        case 'end':
          return;
        case 'refused':
        case 'away': {
          const { reason, message } = chunk.problem;
          throw new LockstepError(chunk.kind === 'away' ? 'unavailable' : 'refused', reason, message);
        }
      }
    }
  }

  /** One question at a time, but for those whose answers nobody waits for any more. */
  private async ask(sha256: Sha256, offset: number, signal?: AbortSignal): Promise<ModuleChunk> {
    if (this.following === undefined) throw gone();
    let onAbort = (): void => undefined;
    const answer = new Promise<ModuleChunk>((take, giveUp) => {
      onAbort = () => {
        giveUp(signal?.reason instanceof Error ? signal.reason : gone());
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.waiting.push({ take, giveUp });
      this.send({ $case: 'chunkWanted', value: { sha256, offset } }).catch(giveUp);
    });
    return answer.finally(() => {
      signal?.removeEventListener('abort', onAbort);
    });
  }

  private send(message: FromLoaderMessage): Promise<void> {
    return this.options.socket.send(writeFromLoader(message));
  }

  private async take(said: ToLoaderMessage): Promise<void> {
    if (said.kind === 'chunk') {
      const waiting = this.waiting.shift();
      if (waiting === undefined) {
        throw new LockstepError('invalid-input', 'not-for-loader', 'It sent a part of a module that nobody asked for.');
      }
      waiting.take(said.chunk);
      return;
    }
    const answer = await this.answer(said);
    await this.send({ $case: 'answer', value: answer });
    if (said.kind === 'introduction') this.onReport();
  }

  private async answer(said: Exclude<ToLoaderMessage, ChunkMessage>): Promise<Answer> {
    switch (said.kind) {
      case 'introduction':
        return this.follow(said);
      case 'word':
        await this.insistFollowing().tell(said.word);
        return { problem: undefined, entries: [] };
      case 'entries-wanted': {
        const entries = await this.insistFollowing().entriesAfter(said.afterSeq);
        return { problem: undefined, entries: entries.map(entryToWire) };
      }
    }
  }

  private async follow({ cluster, logPublicKey, newestLogKey }: LogAnchor): Promise<Answer> {
    try {
      this.following = await this.options.loader.follow({ cluster, logPublicKey, newestLogKey }, this);
      return { problem: undefined, entries: [] };
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error;
      const { reason, message } = error;
      this.options.log('error', 'not followed', { reason, problem: message });
      return { problem: { reason, message }, entries: [] };
    }
  }

  private insistFollowing(): FollowingLoader {
    if (this.following !== undefined) return this.following;
    throw new LockstepError('invalid-input', 'not-for-loader', 'It did not introduce itself first.');
  }
}
