// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';

export interface MeterProps {
  readonly label: string;
  readonly used: number;
  readonly of: number;
  /** Both in words. */
  readonly words: string;
}

/** From here on somebody should look. */
const muchShare = 0.85;

/** How much of what there is is used. Beside it stands the same in words. */
export function Meter({ label, used, of, words }: MeterProps): ReactElement {
  const share = of === 0 ? 0 : Math.min(1, used / of);
  return (
    <div className={`meter tone-${share > muchShare ? 'warn' : 'busy'}`}>
      <span>{label}</span>
      <span className="meter-bar" aria-hidden="true">
        <span style={{ width: `${100 * share}%` }} />
      </span>
      <span className="meter-words">{words}</span>
    </div>
  );
}
