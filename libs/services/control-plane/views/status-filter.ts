// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

/**
 * The status that a list is asked for, by the table of those there are; undefined for none in particular.
 * @throws LockstepError `invalid-input` `invalid-status` for one that this version does not know.
 */
export function statusFromWire<Status extends string>(
  toWire: Readonly<Record<Status, number>>,
  asked: number | undefined,
): Status | undefined {
  if (asked === undefined || asked === 0) return undefined;
  const known = Object.entries<number>(toWire).find(([, wire]) => wire === asked);
  if (known !== undefined) return known[0] as Status;
  throw new LockstepError('invalid-input', 'invalid-status', `There is no status ${asked}.`, { status: asked });
}
