// SPDX-License-Identifier: GPL-2.0-only
import type { Answer, FromLoader, NodeReport } from '@lockstep/contracts/generated';
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
import { ModuleChunks } from './module-chunks';

interface Waiting {
  readonly take: (answer: Answer) => void;
  readonly giveUp: (error: unknown) => void;
}

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

  private constructor(
    private readonly socket: LocalSocket,
    private readonly messages: AsyncIterator<Uint8Array>,
    readonly running: RunningKernel,
    readonly needsBuildSignature: boolean,
  ) {
    this.ended = this.listen();
  }

  /** @throws LockstepError `unavailable` where no loader answers, `refused` where it is of another version. */
  static async connect(path: string): Promise<RemoteLoader> {
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
      return new RemoteLoader(socket, messages, runningKernelFromWire(value), value.needsBuildSignature);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  get report(): NodeReport {
    if (this.lastReport === undefined) throw new Error('The loader has not told yet how it stands.');
    return this.lastReport;
  }

  async follow({ cluster, logPublicKey, newestLogKey }: LogAnchor, network: NetworkSide): Promise<FollowingLoader> {
    this.network = network;
    this.chunks = new ModuleChunks((sha256) => network.fetch(sha256));
    const told = new Promise<void>((resolve) => {
      this.firstReport = resolve;
    });
    const { problem } = await this.ask({ kind: 'introduction', cluster, logPublicKey, newestLogKey });
    if (problem !== undefined) throw new LockstepError('refused', problem.reason, problem.message);
    await Promise.race([told, this.ended]);
    if (this.lastReport === undefined) throw gone();
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
    if (this.isOver) return Promise.reject(gone());
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
    } catch {
      // Whoever waits is told below.
    } finally {
      this.isOver = true;
      this.socket.close();
      for (const { giveUp } of this.waiting.splice(0)) giveUp(gone());
    }
  }

  private take(message: FromLoader['message']): void {
    switch (message?.$case) {
      case 'answer':
        this.waiting.shift()?.take(message.value);
        return;
      case 'report':
        this.lastReport = message.value;
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
          .catch(() => undefined);
        return;
      case 'facts':
      case undefined:
        return;
    }
  }
}
