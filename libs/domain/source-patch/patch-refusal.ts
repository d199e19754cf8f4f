// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { AuthorsPlace } from './authors-places';

const mostShown = 3;

const show = ({ file, line, item }: AuthorsPlace): string => `${file}:${line}${item === '' ? '' : ` (${item})`}`;

/** A change that no livepatch can make, with where the author of the diff wrote it. */
export class PatchRefusal extends LockstepError {
  /**
   * @param refusal what is wrong, told of the object that comes out
   * @param places of the diff; the first ones are named
   */
  constructor(
    refusal: LockstepError,
    readonly places: readonly AuthorsPlace[],
  ) {
    const shown = places.slice(0, mostShown).map(show);
    const more = places.length > mostShown ? ` and ${places.length - mostShown} more` : '';
    const { kind, reason, message, fields } = refusal;
    const [first] = places;
    const text = first === undefined ? message : `${shown.join(', ')}${more}: ${message}`;
    super(kind, reason, text, { ...fields, places: places.map(show) }, { cause: refusal });
  }
}
