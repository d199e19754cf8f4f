// SPDX-License-Identifier: GPL-2.0-only

/** The system's own word for an error (`ENOENT`), or an empty string. */
export function errnoOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** What the file system says of a path that is not there. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errnoOf(error));
}
