// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import * as z from 'zod/mini';
import { LockstepError, parseClusterName } from '@lockstep/domain/livepatch-model';
import { parseLogKey } from '@lockstep/domain/load-order';
import { logChecksOf } from '@lockstep/io/certificates';
import { readIfPresent, writePrivateFile } from '@lockstep/platform/runtime';
import type { FollowingLoader, Loader, LogAnchor, NetworkSide } from './loader';
import type { LocalLoader } from './local-loader';
import type { Log } from './logger';

const form = z.object({ cluster: z.string(), logPublicKey: z.string(), newestLogKey: z.optional(z.string()) });

/** What nothing could be checked with is not kept: a loader that begins with it would end, and begin again. @throws LockstepError `invalid-input`. */
function insistUsable({ logPublicKey }: LogAnchor): void {
  logChecksOf(logPublicKey);
}

async function readAnchor(file: string): Promise<LogAnchor | LockstepError | undefined> {
  const text = await readIfPresent(file);
  if (text === undefined) return undefined;
  try {
    const { cluster, logPublicKey, newestLogKey: newest } = form.parse(JSON.parse(text));
    const anchor = {
      cluster: parseClusterName(cluster),
      logPublicKey,
      newestLogKey: newest === undefined ? undefined : parseLogKey(newest),
    };
    insistUsable(anchor);
    return anchor;
  } catch (cause) {
    const message = `${file} cannot be used: restore it, or remove it and restart lockstep-loader.service, which is then told again whose load order this machine follows.`;
    return new LockstepError('refused', 'anchor-damaged', message, { file }, { cause });
  }
}

/**
 * A loader that keeps whose log it follows: the first that it is told, for good. The half with the network speaks for the
 * control plane, but cannot put another one in its place.
 */
export class PinnedLoader implements Loader {
  private pinning: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly loader: LocalLoader,
    private readonly file: string,
    private anchor: LogAnchor | LockstepError | undefined,
  ) {}

  /**
   * Restores the stack of the log that it followed before, if there is one: nobody else is needed for that. What cannot be
   * followed is told to whoever asks; ending would only have it begin again, and the machine told nothing.
   */
  static async open(loader: LocalLoader, stateDir: string, log: Log): Promise<PinnedLoader> {
    const file = path.join(stateDir, 'log-anchor.json');
    const anchor = await readAnchor(file);
    if (anchor instanceof LockstepError) log('error', 'follows nothing', { problem: anchor.message });
    else if (anchor !== undefined) await loader.restore(anchor);
    return new PinnedLoader(loader, file, anchor);
  }

  get running(): LocalLoader['running'] {
    return this.loader.running;
  }

  get needsBuildSignature(): boolean {
    return this.loader.needsBuildSignature;
  }

  async follow(anchor: LogAnchor, network: NetworkSide): Promise<FollowingLoader> {
    const pinned = await this.pinned(anchor);
    await this.loader.restore(pinned);
    return this.loader.follow(anchor, network).catch((error: unknown) => {
      if (!(error instanceof LockstepError) || error.reason !== 'other-log') throw error;
      const message = `${error.message} If this machine is to change its cluster, stop lockstep-loader.service, remove ${this.file} and start it again.`;
      throw new LockstepError('refused', error.reason, message, { ...error.fields, file: this.file }, { cause: error });
    });
  }

  /** Whose log is followed: of several that come at once the first one's. @throws LockstepError `refused` `anchor-damaged`. */
  private pinned(told: LogAnchor): Promise<LogAnchor> {
    const before = this.pinning.catch(() => undefined);
    const next = before.then(() => this.anchor ?? this.keep(told));
    this.pinning = next;
    return next.then((anchor) => {
      if (anchor instanceof LockstepError) throw anchor;
      return anchor;
    });
  }

  /** On disk before it counts: a loader that was killed in between must not have followed what it does not know afterwards. */
  private async keep(anchor: LogAnchor): Promise<LogAnchor> {
    insistUsable(anchor);
    await writePrivateFile(this.file, JSON.stringify(anchor, undefined, 2));
    this.anchor = anchor;
    return anchor;
  }
}
