// SPDX-License-Identifier: GPL-2.0-only

/** The system's own word for an error (`ENOENT`). Not by `instanceof`: errors of node:fs may come from another realm. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
