// SPDX-License-Identifier: GPL-2.0-only
import type { LogEntry } from '@lockstep/domain/load-order';
import type { ControlWord, NodeView } from '@lockstep/domain/node-state';

/** What stands between the control plane and the kernel: it is told, decides, and shows where the node stands. */
export interface NodeMind {
  /** The log as it is known here, verified and recorded. */
  readonly entries: readonly LogEntry[];
  readonly view: NodeView;
  start(): void;
  /** Resolves when the word has been taken in and what it asks to record is on disk. */
  tell(word: ControlWord): Promise<void>;
  /** Takes no more events; resolves when no job is under way any more. */
  stop(): Promise<void>;
}
