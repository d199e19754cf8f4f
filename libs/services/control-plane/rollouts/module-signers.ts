// SPDX-License-Identifier: GPL-2.0-only
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import type { Database } from '@lockstep/io/database';

/** With which keys modules are signed for the kernel's own check: read once, because a module never changes. */
export class ModuleSigners {
  private readonly known = new Map<Sha256, string>();

  constructor(private readonly db: Pick<Database, 'builds'>) {}

  /** @returns of those of which it is known; empty for a module without such a signature */
  async of(modules: readonly Sha256[]): Promise<ReadonlyMap<Sha256, string>> {
    const unread = modules.filter((sha256) => !this.known.has(sha256));
    if (unread.length > 0) {
      for (const [sha256, signer] of await this.db.builds.moduleSigners(unread)) this.known.set(sha256, signer);
    }
    return this.known;
  }
}
