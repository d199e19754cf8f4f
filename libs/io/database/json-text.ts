// SPDX-License-Identifier: GPL-2.0-only

/** As JSON writes what jsonb refuses: NUL, and half a surrogate pair. A whole pair is written as it is. */
const refused = /\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** For a `::jsonb` parameter. A mark stands for what PostgreSQL does not keep, so that nothing fails for one character. */
export const jsonText = (value: object): string => JSON.stringify(value).replace(refused, '\\ufffd');
