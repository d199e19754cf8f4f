// SPDX-License-Identifier: GPL-2.0-only
import type { Answer, FromLoader, NodeReport } from '@lockstep/contracts/generated';
import { maxLoaderMessageBytes, readFromLoader, writeToLoader, type ToLoaderMessage } from '@lockstep/contracts/wire';
import { connectLocally, type LocalSocket } from '@lockstep/io/local-socket';

/** Somebody who took the half with the network over: says to a loader whatever a test likes. */
export class LyingHalf {
  readonly answers: Answer[] = [];
  readonly reports: NodeReport[] = [];
  /** What the loader was given where it asked for a module. */
  readonly wanted: { sha256: string; offset: number }[] = [];
  isOver = false;

  private constructor(
    private readonly socket: LocalSocket,
    private readonly module: (sha256: string) => Uint8Array | undefined,
  ) {}

  /** @param module what it says is the module of a sha256; undefined: it does not answer. */
  static async connect(path: string, module: (sha256: string) => Uint8Array | undefined = () => undefined) {
    const half = new LyingHalf(await connectLocally(path, maxLoaderMessageBytes), module);
    half.listen().catch(() => undefined);
    return half;
  }

  say(said: ToLoaderMessage): Promise<void> {
    return this.sayBytes(writeToLoader(said));
  }

  /** Resolves although the loader may have hung up. */
  sayBytes(message: Uint8Array): Promise<void> {
    return this.socket.send(message).catch(() => undefined);
  }

  hangUp(): void {
    this.socket.close();
  }

  private async listen(): Promise<void> {
    try {
      for await (const bytes of this.socket.messages) await this.take(readFromLoader(bytes));
    } finally {
      this.isOver = true;
    }
  }

  private async take(message: FromLoader['message']): Promise<void> {
    if (message?.$case === 'answer') this.answers.push(message.value);
    if (message?.$case === 'report') this.reports.push(message.value);
    if (message?.$case !== 'chunkWanted') return;
    const { sha256, offset } = message.value;
    this.wanted.push({ sha256, offset });
    const bytes = this.module(sha256)?.subarray(offset, offset + 1000);
    if (bytes === undefined) return;
    await this.say({ kind: 'chunk', chunk: bytes.length === 0 ? { kind: 'end' } : { kind: 'bytes', bytes } });
  }
}
