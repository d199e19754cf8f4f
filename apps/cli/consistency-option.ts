// SPDX-License-Identifier: GPL-2.0-only
import { Consistency } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { enumWord } from './document';

const modes: Readonly<Record<string, Consistency>> = {
  per_task: Consistency.CONSISTENCY_PER_TASK,
  system: Consistency.CONSISTENCY_SYSTEM,
  stop_machine: Consistency.CONSISTENCY_STOP_MACHINE,
};

function readConsistency(text: string): Consistency {
  const mode = modes[text];
  if (mode !== undefined) return mode;
  const message = `"${text}" is no consistency: use per_task, system or stop_machine.`;
  throw new LockstepError('invalid-input', 'usage', message, { text });
}

/** For commands that choose how kernels switch. */
export const consistencyOption = (whenNotGiven: string) =>
  [
    '--consistency <mode>',
    `how kernels switch: per_task, system or stop_machine (default: ${whenNotGiven})`,
    readConsistency,
  ] as const;

/** `per-task`; empty where it is left to the kernel. */
export const consistencyWord = (mode: Consistency): string =>
  mode === Consistency.CONSISTENCY_UNSPECIFIED ? '' : enumWord(Consistency, 'CONSISTENCY_', mode);
