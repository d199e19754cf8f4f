// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Teardown } from './teardown';

function record(): { teardown: Teardown; closed: string[] } {
  const teardown = new Teardown(pino({ level: 'silent' }));
  const closed: string[] = [];
  teardown.addOnceComplete('adopted', async () => {
    closed.push('adopted');
  });
  teardown.add('first', async () => {
    closed.push('first');
  });
  teardown.add('failing', () => Promise.reject(new Error('no')));
  teardown.add('last', async () => {
    closed.push('last');
  });
  return { teardown, closed };
}

test('closes last first, whatever fails, once', async () => {
  const { teardown, closed } = record();
  teardown.markComplete();
  await teardown.run();
  await teardown.run();
  expect(closed).toEqual(['last', 'first', 'adopted']);
});

test('after a start that failed, what may be another’s is left alone', async () => {
  const { teardown, closed } = record();
  await teardown.run();
  expect(closed).toEqual(['last', 'first']);
});
