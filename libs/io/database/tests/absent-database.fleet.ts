// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { openDatabase } from '../index';
import { freePort } from '@lockstep/testing/local-servers';

test('a database that is gone is told as such', async () => {
  const opening = openDatabase({ url: `postgresql://x:y@127.0.0.1:${await freePort()}/z`, onLost: () => undefined });
  await expect(opening).rejects.toMatchObject({ kind: 'unavailable', reason: 'database-unavailable' });
});
