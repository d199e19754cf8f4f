// SPDX-License-Identifier: GPL-2.0-only
import type { ErrorKind } from '@lockstep/domain/livepatch-model';

/** Is it no word about this node or module, but trouble of the server or of the way to it, which another try may not meet? */
export function isServerTrouble(kind: ErrorKind): boolean {
  switch (kind) {
    case 'unavailable':
    case 'cancelled':
    case 'internal':
      return true;
    case 'invalid-input':
    case 'not-found':
    case 'already-exists':
    case 'refused':
    case 'unauthenticated':
    case 'forbidden':
    case 'corrupt':
      return false;
  }
}
