// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { jsonText } from './json-text';

test.each([
  ['nothing to mark: ä, 😀, "quoted", \\ and a tab\t', undefined],
  ['a\u0000b', 'a\ufffdb'],
  ['cut \ud83d', 'cut \ufffd'],
  ['\ude00 half', '\ufffd half'],
  // What only looks like it stays JSON.
  ['\\u0000', '\\ufffd'],
])('%j', (text, kept = text) => {
  expect(JSON.parse(jsonText({ text }))).toEqual({ text: kept });
});
