// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

export interface RefusalFields {
  /** `fs/proc/meminfo.o`. */
  readonly object: string;
  readonly function?: string;
  readonly variable?: string;
  readonly section?: string;
  /** What the patch's author can do. */
  readonly action: string;
}

/** The error for everything that a livepatch cannot do, or that the differ cannot prove. */
export function differRefusal(reason: string, problem: string, fields: RefusalFields): LockstepError {
  const { object, action } = fields;
  return new LockstepError('refused', reason, `${object}: ${problem} To go on: ${action}.`, { ...fields });
}
