// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

export interface ModuleRefusalFields {
  readonly object: string;
  readonly function?: string;
  readonly section?: string;
  /** What the patch's author can do. */
  readonly action: string;
}

/** The error for what cannot be made into a livepatch module of this kernel build. */
export function moduleRefusal(reason: string, problem: string, fields: ModuleRefusalFields): LockstepError {
  return new LockstepError('refused', reason, `${fields.object}: ${problem} To go on: ${fields.action}.`, {
    ...fields,
  });
}
