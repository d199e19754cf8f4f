// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import type { Fence } from '@lockstep/io/database';
import type { News } from './news';

/** This control plane among those that work on its database. */
export interface Replica {
  readonly id: string;
  /** There is no other. */
  readonly isAlone: boolean;
  /** The ids of the others that live. */
  others(): readonly string[];
  /** Whether what only one may do is this one's to do now. */
  leads(): boolean;
  /** What its decisions are stored with; undefined where there is no other. */
  fence(): Fence | undefined;
  /** Tells the others. It may be lost: they look, too. */
  announce(news: News): void;
}

export const soleReplica = (): Replica => ({
  id: randomUUID(),
  isAlone: true,
  others: () => [],
  leads: () => true,
  fence: () => undefined,
  announce: () => undefined,
});
