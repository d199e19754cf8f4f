// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { distributions, type Distribution } from './vendor-layouts';

/** A kernel that a distribution built, by what its users call it. */
export interface StockName {
  readonly distribution: Distribution;
  /** `uname -r` */
  readonly release: string;
}

/** @throws LockstepError `unknown-distribution`, `invalid-name` */
export function parseStockName(distribution: string, release: string): StockName {
  const known = distributions.find((one) => one === distribution);
  if (known === undefined) {
    const message = `"${distribution}" is no distribution whose kernels are known here: ${distributions.join(', ')}.`;
    throw new LockstepError('invalid-input', 'unknown-distribution', message, { distribution });
  }
  // It becomes part of paths and of package names.
  if (!/^\d+\.\d+[\w.+~-]{0,100}$/.test(release) || release.includes('..')) {
    const message = `"${release}" is no kernel release: give what uname -r prints (6.1.0-50-cloud-amd64).`;
    throw new LockstepError('invalid-input', 'invalid-name', message, { release });
  }
  return { distribution: known, release };
}
