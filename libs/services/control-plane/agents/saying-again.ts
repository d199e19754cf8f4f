// SPDX-License-Identifier: GPL-2.0-only
import { sha256OfBytes } from '@lockstep/platform/runtime';

/**
 * Reads what one stream says. What comes again in the same bytes, as a node's report does for days, is not read again:
 * it is the very object that it was before.
 */
export function sayingAgain<T>(read: (bytes: Buffer) => T): (bytes: Buffer) => T {
  let last: { readonly sha256: string; readonly message: T } | undefined;
  return (bytes) => {
    const sha256 = sha256OfBytes(bytes);
    if (last?.sha256 !== sha256) last = { sha256, message: read(bytes) };
    return last.message;
  };
}
