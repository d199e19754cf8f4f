// SPDX-License-Identifier: GPL-2.0-only
import type { Answer, FromLoader, LoaderFacts, NodeReport } from '@lockstep/contracts/generated';
import {
  chunkPlaceFromWire,
  entryFromWire,
  maxLoaderMessageBytes,
  readFromLoader,
  runningKernelFromWire,
  writeToLoader,
  type RunningKernel,
  type ToLoaderMessage,
} from '@lockstep/contracts/wire';
import { connectLocally, type LocalSocket } from '@lockstep/io/local-socket';
import type { LogEntry } from '@lockstep/domain/load-order';
import { LockstepError, parseSeq } from '@lockstep/domain/livepatch-model';
import type { ControlWord } from '@lockstep/domain/node-state';
import type { FollowingLoader, Loader, LogAnchor, NetworkSide } from './loader';
import type { Log } from './logger';
import { ModuleChunks } from './module-chunks';
import { problemFrom } from './problem';

interface Waiting {
  readonly take: (answer: Answer) => void;
  readonly giveUp: (error: unknown) => void;
}

/** As many of its turns may it miss: a host that is busy is no loader that hangs. */
const silentTurns = 6;

const gone = (): LockstepError =>
  new LockstepError('unavailable', 'other-half-away', 'The loader is gone (lockstep-loader.service).');

/** The loader of another process, as its half with the network sees it through a socket. */
export class RemoteLoader implements Loader, FollowingLoader {
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
  private readonly waiting: Waiting[] = [];
  private network: NetworkSide | undefined;
  private chunks: ModuleChunks | undefined;
  private lastReport: NodeReport | undefined;
  private firstReport: (() => void) | undefined;
  private isOver = false;

  /** Why the connection ended, where it is known. */
  private ending: LockstepError | undefined;
  private silence: NodeJS.Timeout | undefined;

  private constructor(
    private readonly socket: LocalSocket,
    private readonly messages: AsyncIterator<Uint8Array>,
    readonly running: RunningKernel,
    private readonly facts: LoaderFacts,
    private readonly log: Log,
  ) {
    this.ended = this.listen();
  }

  /** @throws LockstepError `unavailable` where no loader answers, `refused` where it is of another version. */
  static async connect(path: string, log: Log): Promise<RemoteLoader> {
    const socket = await connectLocally(path, maxLoaderMessageBytes);
    const messages = socket.messages[Symbol.asyncIterator]();
    const first = await messages.next();
    const message = first.done === true ? undefined : readFromLoader(first.value);
    if (message?.$case !== 'facts') {
      socket.close();
      throw gone();
    }
    try {
      const { value } = message;
      return new RemoteLoader(socket, messages, runningKernelFromWire(value), value, log);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  get needsBuildSignature(): boolean {
    return this.facts.needsBuildSignature;
  }

  get report(): NodeReport {
    if (this.lastReport === undefined) throw new Error('The loader has not told yet how it stands.');
    return this.lastReport;
  }

  async follow({ cluster, logPublicKey, newestLogKey }: LogAnchor, network: NetworkSide): Promise<FollowingLoader> {
    this.network = network;
    this.chunks = new ModuleChunks((sha256, signal) => network.fetch(sha256, signal));
    const told = new Promise<void>((resolve) => {
      this.firstReport = resolve;
    });
    const { problem } = await this.ask({ kind: 'introduction', cluster, logPublicKey, newestLogKey });
    if (problem !== undefined) throw new LockstepError('refused', problem.reason, problem.message);
    await Promise.race([told, this.ended]);
    if (this.lastReport === undefined) throw this.ending ?? gone();
    return this;
  }

  async tell(word: ControlWord): Promise<void> {
    await this.ask({ kind: 'word', word });
  }

  async entriesAfter(seq: number): Promise<readonly LogEntry[]> {
    const { entries } = await this.ask({ kind: 'entries-wanted', afterSeq: parseSeq(seq) });
    return entries.map(entryFromWire);
  }

  close(): void {
    this.socket.close();
  }

  private ask(said: ToLoaderMessage): Promise<Answer> {
    if (this.isOver) return Promise.reject(this.ending ?? gone());
    return new Promise((take, giveUp) => {
      this.waiting.push({ take, giveUp });
      this.socket.send(writeToLoader(said)).catch(giveUp);
    });
  }

  private async listen(): Promise<void> {
    try {
      for (;;) {
        const next = await this.messages.next();
        if (next.done === true) break;
        this.take(readFromLoader(next.value));
      }
    } catch (error) {
      const { reason, message } = problemFrom(error);
      this.log('warn', 'the connection of the loader ended', { reason, problem: message });
    } finally {
      this.isOver = true;
      clearTimeout(this.silence);
      this.socket.close();
      for (const { giveUp } of this.waiting.splice(0)) giveUp(this.ending ?? gone());
    }
  }

  /** It has said how the node stands: what it said last is told for it, and no longer than it lives. */
  private expectMore(): void {
    const { speaksEveryMs } = this.facts;
    if (speaksEveryMs === 0) return;
    clearTimeout(this.silence);
    const limitMs = speaksEveryMs * silentTurns;
    this.silence = setTimeout(() => {
      const message = `The loader said nothing for ${limitMs} ms: it hangs (lockstep-loader.service).`;
      this.ending = new LockstepError('unavailable', 'loader-silent', message);
      this.log('warn', 'the loader hangs', { silentForMs: limitMs });
      this.socket.close();
    }, limitMs);
  }

  private take(message: FromLoader['message']): void {
    switch (message?.$case) {
      case 'answer':
        this.waiting.shift()?.take(message.value);
        return;
      case 'report':
        this.lastReport = message.value;
        this.expectMore();
        this.firstReport?.();
        this.network?.onReport();
        return;
      case 'sessionWanted':
        this.network?.onReconnect();
        return;
      case 'chunkWanted':
        this.chunks
          ?.next(chunkPlaceFromWire(message.value))
          .then((chunk) => this.socket.send(writeToLoader({ kind: 'chunk', chunk })))
          .catch((error: unknown) => {
            const { reason, message: problem } = problemFrom(error);
            this.log('warn', 'could not hand over a part of a module', { reason, problem });
          });
        return;
      case 'facts':
      case undefined:
        return;
    }
  }
}
