// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { AllowedTypeChanges } from '@lockstep/domain/type-layouts';
import { collect } from './cli';

/** For `.option(...)`: what an author vouches for. */
export const allowTypeChangeOption = [
  '--allow-type-change <struct>',
  'build although this type changes and its objects live on; may be given again',
  collect,
] as const;

export const becauseOption = ['--because <text>', 'why that is right for the objects that are there already'] as const;

export interface AllowedTypeChangesOptions {
  readonly allowTypeChange?: readonly string[];
  readonly because?: string;
}

/** @throws LockstepError `usage` where one option is given without the other */
export function allowedTypeChangesOf({
  allowTypeChange,
  because,
}: AllowedTypeChangesOptions): AllowedTypeChanges | undefined {
  const [types, reason] = [allowTypeChange ?? [], because?.trim() ?? ''];
  if (types.length === 0 && reason === '') return undefined;
  if (types.length > 0 && reason !== '') return { types, because: reason };
  throw new LockstepError('invalid-input', 'usage', '--allow-type-change STRUCT and --because "why" go together.');
}
