// SPDX-License-Identifier: GPL-2.0-only
import type { Seq } from '@lockstep/domain/livepatch-model';

/** A load that began, as the journal holds it. */
export interface BegunLoad {
  readonly seq: Seq;
  readonly bootId: string;
  /** By the host's time of day, in ms since 1970: to be compared with what the kernel left behind. */
  readonly atMs: number;
  /** The host was well for the entry's stable time after it, in the same boot. */
  readonly stable: boolean;
  /** The uptime at which it was seen to have ended; forgotten by the next life of the agent, which counts anew. */
  readonly endedAtUptimeMs?: number | undefined;
}

/** A boot that was shut down in order. */
export interface EndedBoot {
  readonly bootId: string;
  /** When the shutdown began, by the host's time of day in ms since 1970. */
  readonly atMs: number;
}

/** What this boot knows of itself and of the one before. */
export interface BootFacts {
  readonly bootId: string;
  /** When the kernel wrote the records of panics that it left (pstore), in ms since 1970. */
  readonly panicsAtMs: readonly number[];
}

export type CrashEvidence = 'panic' | 'no-clean-shutdown';

/** A load that the host did not survive. */
export interface Quarantine {
  readonly seq: Seq;
  readonly crashedBoot: string;
  readonly foundBoot: string;
  readonly evidence: CrashEvidence;
  /** An operator said to load it again. It stays here until the host has survived it. */
  readonly released: boolean;
}
