// SPDX-License-Identifier: GPL-2.0-only

/** `ENOENT` and the like. Not by `instanceof`: errors of node:fs may come from another realm. */
export function errorCode(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
