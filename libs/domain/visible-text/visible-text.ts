// SPDX-License-Identifier: GPL-2.0-only

/**
 * What a terminal obeys instead of showing: control characters (C0, DEL, C1) and the marks that turn the direction of
 * the text. A task's name, a compiler's message or a patch could otherwise move the cursor, set titles, hide words.
 */
const obeyed = /[\p{Cc}\p{Bidi_Control}]/gu;
const lineBreakOrTab = /[\n\t]/;

const hex = (character: string, digits: number): string => character.charCodeAt(0).toString(16).padStart(digits, '0');

/** `\x1b`, or `\u202e` for what has more than two digits. */
const show = (character: string): string =>
  character > '\xff' ? `\\u${hex(character, 4)}` : `\\x${hex(character, 2)}`;

/** The text with everything visible that a terminal would obey, but for line breaks and tabs. */
export const visibleText = (text: string): string =>
  text.replace(obeyed, (character) => (lineBreakOrTab.test(character) ? character : show(character)));

/** The same in one line: nothing in it can look like another line. */
export const visibleLine = (text: string): string => text.replace(obeyed, show);

/** The same for JSON, which stays the same document: what is left raw by JSON.stringify is written as an escape. */
export const visibleJson = (json: string): string =>
  json.replace(obeyed, (character) => (lineBreakOrTab.test(character) ? character : `\\u${hex(character, 4)}`));
