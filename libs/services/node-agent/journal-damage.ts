// SPDX-License-Identifier: GPL-2.0-only
import type { AgentJournal } from '@lockstep/io/agent-journal';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { entryNotReadable, journalDamaged, journalNotReadable, type Problem } from '@lockstep/domain/node-state';

export const isDamage = (journal: AgentJournal | Problem): journal is Problem => 'reason' in journal;

/** A journal that does not verify, or that a newer agent wrote, as the problem to report. @throws whatever else kept it from being opened. */
export function damageOf(error: unknown): Problem {
  if (error instanceof LockstepError && error.kind === 'corrupt') {
    return { reason: journalDamaged, message: error.message };
  }
  if (!(error instanceof LockstepError) || error.reason !== entryNotReadable) throw error;
  const message = `A newer agent wrote this node's journal, and nothing is done with it. ${error.message}`;
  return { reason: journalNotReadable, message };
}
