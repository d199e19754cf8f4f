// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { Icon } from './icon';
import type { StateWord } from './tones';

export interface StateMarkProps {
  readonly state: StateWord;
  /** Instead of the state's own word. */
  readonly word?: string;
}

/** A state by shape, word and colour. */
export function StateMark({ state: { tone, icon, word }, word: instead }: StateMarkProps): ReactElement {
  return (
    <span className={`state-mark tone-${tone}`}>
      <Icon name={icon} size={13} />
      {instead ?? word}
    </span>
  );
}
