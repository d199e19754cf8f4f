// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import * as z from 'zod/mini';
import { LockstepError, parseClusterName } from '@lockstep/domain/livepatch-model';
import { parseLogKey } from '@lockstep/domain/load-order';
import { readIfPresent, writePrivateFile } from '@lockstep/platform/runtime';
import type { FollowingLoader, Loader, LogAnchor, NetworkSide } from './loader';
import type { LocalLoader } from './local-loader';

const form = z.object({ cluster: z.string(), logPublicKey: z.string(), newestLogKey: z.optional(z.string()) });

async function readAnchor(file: string): Promise<LogAnchor | undefined> {
  const text = await readIfPresent(file);
  if (text === undefined) return undefined;
  try {
    const { cluster, logPublicKey, newestLogKey: newest } = form.parse(JSON.parse(text));
    return {
      cluster: parseClusterName(cluster),
      logPublicKey,
      newestLogKey: newest === undefined ? undefined : parseLogKey(newest),
    };
  } catch (cause) {
    const message = `${file} cannot be used: restore it, or remove it and restart the agent, which then says again whose load order this machine follows.`;
    throw new LockstepError('corrupt', 'anchor-damaged', message, { file }, { cause });
  }
}

/**
 * A loader that keeps whose log it follows: the first that it is told, for good. The half with the network speaks for the
 * control plane, but cannot put another one in its place.
 */
export class PinnedLoader implements Loader {
  private constructor(
    private readonly loader: LocalLoader,
    private readonly file: string,
    private anchor: LogAnchor | undefined,
  ) {}

  /** Restores the stack of the log that it followed before, if there is one: nobody else is needed for that. */
  static async open(loader: LocalLoader, stateDir: string): Promise<PinnedLoader> {
    const file = path.join(stateDir, 'log-anchor.json');
    const anchor = await readAnchor(file);
    if (anchor !== undefined) await loader.restore(anchor);
    return new PinnedLoader(loader, file, anchor);
  }

  get running(): LocalLoader['running'] {
    return this.loader.running;
  }

  get needsBuildSignature(): boolean {
    return this.loader.needsBuildSignature;
  }

  async follow(anchor: LogAnchor, network: NetworkSide): Promise<FollowingLoader> {
    if (this.anchor === undefined) {
      this.anchor = anchor;
      await writePrivateFile(this.file, JSON.stringify(anchor, undefined, 2));
    }
    return this.loader.follow(anchor, network).catch((error: unknown) => {
      if (!(error instanceof LockstepError) || error.reason !== 'other-log') throw error;
      const message = `${error.message} If this machine is to change its cluster, stop lockstep-loader.service, remove ${this.file} and start it again.`;
      throw new LockstepError('refused', error.reason, message, { ...error.fields, file: this.file }, { cause: error });
    });
  }
}
