// SPDX-License-Identifier: GPL-2.0-only
import { createBackOff, pause } from '@lockstep/io/rpc-client';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { makeFolder, type FileLock } from '@lockstep/platform/runtime';
import { NetworkHalf, type NetworkOptions } from './network-half';
import { stopsInTime } from './ordered-end';
import { RemoteLoader } from './remote-loader';
import { claimStateDir } from './single-instance';

export interface NetworkServiceOptions extends Omit<NetworkOptions, 'signal' | 'traces'> {
  /** The loader's socket. */
  readonly loaderSocket: string;
  /** Called when it cannot go on; the process should end and be started again. */
  readonly onFatal: (error: unknown) => void;
}

/** The half with the network in a process of its own, without rights over the kernel: `create`, `start`, `stop`. */
export class NetworkService {
  private readonly abort = new AbortController();
  private claim: FileLock | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: NetworkServiceOptions) {}

  /** Speaks for the loader from now on, whenever it is there: a node whose loader is away is away. */
  async start(): Promise<void> {
    const { stateDir, onFatal } = this.options;
    await makeFolder(stateDir);
    this.claim = await claimStateDir(stateDir);
    this.running = this.keepSpeaking().catch((error: unknown) => {
      if (!this.abort.signal.aborted) onFatal(error);
    });
  }

  async stop(): Promise<void> {
    this.abort.abort(new LockstepError('cancelled', 'stopping', 'The agent was stopped.'));
    await stopsInTime('agent-stops', this.running);
    await this.claim?.[Symbol.asyncDispose]();
  }

  private async keepSpeaking(): Promise<void> {
    const { log } = this.options;
    const { signal } = this.abort;
    const backOff = createBackOff({ firstMs: 100, maxMs: 5_000 });
    for (;;) {
      try {
        await this.speakForOne();
        backOff.reset();
        log('warn', 'the loader is gone');
      } catch (error) {
        if (!(error instanceof LockstepError) || error.kind !== 'unavailable') throw error;
        log('warn', 'no loader', { reason: error.reason, problem: error.message });
      }
      if (signal.aborted) return;
      await pause(backOff.nextMs(), signal);
    }
  }

  /** As long as this life of the loader lasts. */
  private async speakForOne(): Promise<void> {
    const { signal } = this.abort;
    const loader = await RemoteLoader.connect(this.options.loaderSocket, this.options.log);
    const ends = (): void => {
      loader.close();
    };
    signal.addEventListener('abort', ends, { once: true });
    const half = new NetworkHalf({ ...this.options, signal });
    try {
      signal.throwIfAborted();
      await half.start(loader);
      await loader.ended;
    } finally {
      signal.removeEventListener('abort', ends);
      loader.close();
      await half.stop();
    }
  }
}
