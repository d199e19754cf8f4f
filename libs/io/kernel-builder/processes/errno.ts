// SPDX-License-Identifier: GPL-2.0-only

import { errorCode } from '@lockstep/platform/runtime';

/** What the file system says of a path that is not there. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '');
}
