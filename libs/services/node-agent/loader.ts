// SPDX-License-Identifier: GPL-2.0-only
import type { NodeReport } from '@lockstep/contracts/generated';
import type { ArtifactSource } from '@lockstep/io/agent-journal';
import type { KernelIdentity } from '@lockstep/io/livepatch-sysfs';
import type { LogEntry, LogKey } from '@lockstep/domain/load-order';
import type { ClusterName, Sha256 } from '@lockstep/domain/livepatch-model';
import type { ControlWord } from '@lockstep/domain/node-state';

// An agent has two halves. The loader has the kernel, the journal that decides what may be loaded, and the modules; the
// network half has the control plane. This is all that they know of each other, in one process or in two.

/** Whose load order a loader follows. */
export interface LogAnchor {
  readonly cluster: ClusterName;
  /** Ed25519 SPKI PEM of who signs its beginning. */
  readonly logPublicKey: string;
  /** The key that it had come to when this node enrolled; undefined: that one. */
  readonly newestLogKey?: LogKey | undefined;
}

/** The half with the kernel, before it knows whose node it is. */
export interface Loader {
  /** The kernel that it loads into. */
  readonly running: KernelIdentity;
  /** It loads nothing that no build key has signed. */
  readonly needsBuildSignature: boolean;
  /**
   * Whose order to follow, and who speaks for the control plane from now on.
   * @throws LockstepError `refused` `other-log` when it follows another one.
   */
  follow(anchor: LogAnchor, network: NetworkSide): Promise<FollowingLoader>;
}

/** The half with the kernel, as the half with the network sees it. */
export interface FollowingLoader {
  /** How the node stands now. */
  readonly report: NodeReport;
  /** Resolves when the word has been taken in and what it asks to record is on disk. */
  tell(word: ControlWord): Promise<void>;
  /** The log as it is known here, verified and recorded, after `seq`: as many entries as one message takes. */
  entriesAfter(seq: number): Promise<readonly LogEntry[]>;
}

/** The half with the network, as the loader sees it. */
export interface NetworkSide {
  /** The loader's report may have changed. */
  onReport(): void;
  /** What the control plane said could not be recorded: let it say it again. */
  onReconnect(): void;
  /** A module's bytes, from the control plane; once aborted it asks for no more. */
  fetch(sha256: Sha256, signal?: AbortSignal): ArtifactSource;
}
