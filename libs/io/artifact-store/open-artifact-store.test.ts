// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { readStorePlace } from './open-artifact-store';

test('without an S3 endpoint it is the folder', () => {
  expect(readStorePlace({ LOCKSTEP_S3_BUCKET: 'unused', LOCKSTEP_S3_ENDPOINT: '' }, '/var/a')).toMatchObject({
    kind: 'folder',
    dir: '/var/a',
  });
});

test('with one, what is missing is named', () => {
  const env = { LOCKSTEP_S3_ENDPOINT: 'https://s3.example.org', LOCKSTEP_S3_BUCKET: 'b' };
  expect(() => readStorePlace(env, '')).toThrow(/LOCKSTEP_S3_ACCESS_KEY_ID, LOCKSTEP_S3_SECRET_ACCESS_KEY/);
  expect(() => readStorePlace({ LOCKSTEP_S3_ENDPOINT: 'ftp://x' }, '')).toThrow(/LOCKSTEP_S3_ENDPOINT/);
  expect(() => readStorePlace({ LOCKSTEP_MAX_ARTIFACT_BYTES: 'much' }, '')).toThrow(/LOCKSTEP_MAX_ARTIFACT_BYTES/);
});
