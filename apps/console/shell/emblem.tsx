// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import mark from '../theme/lockstep.svg';

export function Emblem(): ReactElement {
  return (
    <span className="emblem">
      <img src={mark} alt="" width={24} height={24} />
      Lockstep
    </span>
  );
}
