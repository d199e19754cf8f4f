// SPDX-License-Identifier: GPL-2.0-only
import { Metadata } from '@grpc/grpc-js';
import { expect, test } from '@jest/globals';
import { forwardedPeer, forwardedPeerHeader, forwardedPeerIn } from './forwarded-peer';

const said = (value: string): string | undefined => {
  const metadata = new Metadata();
  metadata.set(forwardedPeerHeader, value);
  return forwardedPeerIn(metadata);
};

test('only this process can say where a call that it passes on came from', () => {
  expect(forwardedPeerIn(new Metadata())).toBeUndefined();
  expect(said(forwardedPeer('192.0.2.7:4711'))).toBe('192.0.2.7:4711');
  expect(said('192.0.2.7:4711')).toBeUndefined();
  expect(said(`${'0'.repeat(64)} 192.0.2.7:4711`)).toBeUndefined();
});
