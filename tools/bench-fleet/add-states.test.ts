// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { addStates, endingsSince } from './add-states';
import { nobody } from './swarm-messages';

test('the agents of several processes are counted together', () => {
  const a = {
    ...nobody,
    enrolled: 3,
    connected: 2,
    knowing: [3, 1],
    arrived: [1],
    lost: 1,
    begun: 4,
    endings: { busy: 1 },
  };
  const b = {
    ...nobody,
    enrolled: 1,
    connected: 1,
    knowing: [1],
    arrived: [],
    begun: 2,
    endings: { busy: 2, stopping: 1 },
  };
  expect(addStates(a, b)).toEqual({
    ...{ enrolled: 4, connected: 3, knowing: [4, 1], arrived: [1], lost: 1, begun: 6 },
    ...{ endings: { busy: 3, stopping: 1 }, failure: undefined },
  });
  expect(addStates(a, { ...nobody, failure: 'it broke' }).failure).toBe('it broke');
});

test('what ended between two looks is what is counted more often than before', () => {
  expect(endingsSince({ busy: 3, stopping: 1 }, { busy: 5, stopping: 1, replaced: 2 })).toEqual({
    busy: 2,
    replaced: 2,
  });
});
