// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { readTap, tapProgress } from './tap';

const check = (text: string, passed: string[], failed: string[], remarks: string[] = []): void => {
  expect(readTap(text)).toEqual({ passed, failed, remarks });
};

test('counts what passed and failed, with its diagnostics', () => {
  check('TAP version 13\n1..2\nok 1 - a\nnot ok 2 - b # 3 s\n# why\n#   log', ['a'], ['b # 3 s\n# why\n#   log']);
});

test.each([
  ['no output', '', ['the cases ended without a plan']],
  ['a run that was cut off', '1..3\nok 1 - a', ['1 cases ran, 3 were planned']],
  ['a skipped case', '1..2\nok 1 - a\nok 2 - b # SKIP no reason', ['b # SKIP no reason']],
  ['a bail-out', '1..2\nok 1 - a\nBail out! no', ['Bail out! no']],
])('%s is a failure', (_, text, failed) => {
  expect(readTap(text).failed).toEqual(failed);
});

test('keeps what a case that passed has to tell', () => {
  check('1..2\nok 1 - a\n# seen 3\nok 2 - b', ['a', 'b'], [], ['seen 3']);
});

test.each([
  ['', 0, undefined],
  ['1..3\n', 0, 3],
  ['1..3\nok 1 - a\n# ok 7\nnot ok 2 - b\n', 2, 3],
])('of %j, %i cases are done', (text, done, planned) => {
  expect(tapProgress(text)).toEqual({ done, planned });
});
