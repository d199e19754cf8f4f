// SPDX-License-Identifier: GPL-2.0-only
import { maxLoaderMessageBytes } from '@lockstep/contracts/wire';
import { listenLocally } from '@lockstep/io/local-socket';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { makeFolder, type FileLock } from '@lockstep/platform/runtime';
import { LoaderConnection } from './loader-connection';
import { LocalLoader, type LoaderOptions } from './local-loader';
import { stopsInTime, type EndReason } from './ordered-end';
import { PinnedLoader } from './pinned-loader';
import { sayShutdown } from './say-shutdown';
import { claimStateDir } from './single-instance';

export interface LoaderServiceOptions extends Omit<LoaderOptions, 'signal' | 'traces'> {
  /** Where the half with the network finds it: a path, or `passed` by systemd. */
  readonly socket: string;
  /** How often to tell the other half how the node stands, also without news (default 10 s). */
  readonly speaksEveryMs?: number;
}

/** The half with the kernel in a process of its own, without the network: `create`, `start`, `stop`. */
export class LoaderService {
  private readonly abort = new AbortController();
  private loader: LocalLoader | undefined;
  private claim: FileLock | undefined;
  private listener: { close(): Promise<void> } | undefined;
  private connection: LoaderConnection | undefined;
  private starting: Promise<void> = Promise.resolve();

  constructor(private readonly options: LoaderServiceOptions) {}

  /** Restores the stack of the log that it follows, then listens. */
  start(): Promise<void> {
    const started = this.bringUp();
    this.starting = started.catch(() => undefined);
    return started;
  }

  /** As an agent in one process does: see `NodeAgent`. */
  async stop(why: EndReason = 'agent-stops'): Promise<void> {
    this.abort.abort(new LockstepError('cancelled', 'stopping', 'The loader was stopped while it started.'));
    const stopped = this.starting.then(() => {
      this.connection?.close();
      return Promise.all([this.listener?.close(), this.loader?.stop()]);
    });
    const isAtRest = await stopsInTime(why, stopped);
    if (why === 'machine-stops' && isAtRest) await sayShutdown(this.options);
    await this.loader?.close();
    await this.claim?.[Symbol.asyncDispose]();
  }

  private async bringUp(): Promise<void> {
    const { stateDir, socket, log } = this.options;
    await makeFolder(stateDir);
    this.claim = await claimStateDir(stateDir);
    this.loader = await LocalLoader.create({ ...this.options, signal: this.abort.signal });
    const loader = await PinnedLoader.open(this.loader, stateDir, log);
    this.abort.signal.throwIfAborted();
    this.listener = await listenLocally(socket, {
      maxBytes: maxLoaderMessageBytes,
      onConnection: (peer) => {
        // There is one half with the network: whoever comes again has lost its connection.
        this.connection?.close();
        const connection = new LoaderConnection({
          socket: peer,
          loader,
          log,
          speaksEveryMs: this.options.speaksEveryMs,
        });
        this.connection = connection;
        connection.serve().catch(this.options.onFatal);
      },
    });
    log('info', 'loader listens', { socket });
  }
}
