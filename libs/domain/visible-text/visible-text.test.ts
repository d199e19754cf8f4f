// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { visibleJson, visibleLine, visibleText } from './visible-text';

/** Text as hostile as it gets: any character, and many of those that terminals obey. */
const anyText = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0x9f }).map((code) => String.fromCharCode(code)),
      fc.constantFrom('\u061c', '\u200e', '\u200f', '\u202a', '\u202e', '\u2066', '\u2069', '\\', 'x1b', 'é', '字'),
      fc.string({ unit: 'binary' }),
    ),
  )
  .map((parts) => parts.join(''));

const isObeyed = (code: number): boolean =>
  code < 0x20 ||
  (code >= 0x7f && code <= 0x9f) ||
  [0x061c, 0x200e, 0x200f].includes(code) ||
  (code >= 0x202a && code <= 0x202e) ||
  (code >= 0x2066 && code <= 0x2069);

const obeyedIn = (text: string): string[] =>
  Array.from(text).filter((character) => isObeyed(character.codePointAt(0) ?? 0));

test('nothing that a terminal obeys is left, whatever is said', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(obeyedIn(visibleLine(text))).toEqual([]);
      expect(obeyedIn(visibleText(text)).filter((character) => character !== '\n' && character !== '\t')).toEqual([]);
    }),
  );
});

test('what is harmless stays as it is, and to show it twice changes nothing more', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const harmless = Array.from(text)
        .filter((character) => obeyedIn(character).length === 0)
        .join('');
      expect(visibleText(harmless)).toBe(harmless);
      expect(visibleText(visibleText(text))).toBe(visibleText(text));
      expect(visibleText(text).split('\n')).toHaveLength(text.split('\n').length);
    }),
  );
});

test('JSON stays the same document', () => {
  fc.assert(
    fc.property(anyText, fc.constantFrom(undefined, 2), (text, indent) => {
      const document = { [text]: [text] };
      const json = visibleJson(JSON.stringify(document, null, indent));
      expect(JSON.parse(json)).toEqual(document);
      expect(obeyedIn(json).filter((character) => character !== '\n')).toEqual([]);
    }),
  );
});

test('each is shown by its number', () => {
  expect(visibleText('a\x1b]0;title\x07b\x9bc\x7f\u202ed\r\ne\tf')).toBe(
    'a\\x1b]0;title\\x07b\\x9bc\\x7f\\u202ed\\x0d\ne\tf',
  );
  expect(visibleLine('one\ntwo\tthree')).toBe('one\\x0atwo\\x09three');
  expect(visibleJson('"\x9b\u202e"')).toBe('"\\u009b\\u202e"');
});
