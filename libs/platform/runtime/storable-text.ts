// SPDX-License-Identifier: GPL-2.0-only

/** A text as every database keeps it: PostgreSQL refuses NUL, and its jsonb half a surrogate pair, which a cut leaves behind. */
export const storableText = (text: string): string => Buffer.from(text).toString('utf8').replaceAll('\0', '\ufffd');
