// SPDX-License-Identifier: GPL-2.0-only

/** Whether a text can be the id of a row; PostgreSQL answers others with an error where "there is none" is meant. */
export function isRowId(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}
