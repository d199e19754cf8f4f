// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import type { Tone } from './tones';

export interface ShareBarPart {
  readonly word: string;
  readonly tone: Tone;
  readonly count: number;
}

/** How a number is divided. Beside it stands the same in words. */
export function ShareBar({
  parts,
  of,
}: {
  readonly parts: readonly ShareBarPart[];
  readonly of: number;
}): ReactElement {
  const words = parts.map(({ word, count }) => `${count} ${word}`).join(', ');
  return (
    <div className="share-bar" role="img" aria-label={`${words}, of ${of}`}>
      {parts
        .filter(({ count }) => count > 0)
        .map(({ word, tone, count }) => (
          <span key={word} className={`tone-${tone}`} style={{ flexGrow: count }} title={`${count} ${word}`} />
        ))}
    </div>
  );
}
