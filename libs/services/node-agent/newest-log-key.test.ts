// SPDX-License-Identifier: GPL-2.0-only
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { parseClusterName } from '@lockstep/domain/livepatch-model';
import { parseLogKey } from '@lockstep/domain/load-order';
import { temporaryFolder } from '@lockstep/testing/local-servers';
import { keepNewestLogKey, readNewestLogKey } from './newest-log-key';

const newKey = () =>
  parseLogKey(generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString());

test('is that of one cluster: a machine that joins another one is not held to it, and one that comes back is', async () => {
  const folder = await temporaryFolder('log-key');
  const [first, second, elsewhere] = [newKey(), newKey(), newKey()];
  const web = { cluster: parseClusterName('web'), logPublicKey: first };
  await keepNewestLogKey(folder.path, web, second);
  expect(await readNewestLogKey(folder.path, { ...web, cluster: parseClusterName('db') })).toBeUndefined();
  expect(await readNewestLogKey(folder.path, { ...web, logPublicKey: elsewhere })).toBeUndefined();
  expect(await readNewestLogKey(folder.path, { ...web, logPublicKey: `${first}\n` })).toBe(second);
  await folder.remove();
});
