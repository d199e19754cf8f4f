// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { createServiceLog } from './service-log';

test('a line says what happened and nothing that a terminal would obey', () => {
  const lines: string[] = [];
  const log = createServiceLog('worker', { write: (line) => lines.push(line) });
  log.warn({ said: 'a\x1b]0;x\x07\x9b2J\u202e' }, 'said \x9b');
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u);
  expect(JSON.parse(lines[0]!)).toMatchObject({ name: 'worker', said: 'a\x1b]0;x\x07\x9b2J\u202e', msg: 'said \x9b' });
});
