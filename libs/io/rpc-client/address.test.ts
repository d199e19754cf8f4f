// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseAddress, reachableAddress, showAddress } from './address';

test.each([
  ['cp.example:7443', { host: 'cp.example', port: 7443 }],
  ['127.0.0.1:1', { host: '127.0.0.1', port: 1 }],
  ['[::1]:65535', { host: '::1', port: 65535 }],
  [':7444', { host: '', port: 7444 }],
])('%s', (text, address) => {
  expect(parseAddress(text)).toEqual(address);
  expect(showAddress(address)).toBe(text);
});

test.each(['', 'host', 'host:', 'host:0', 'host:65536', '::1:7443', 'a b:1', 'http://host:1'])(
  '"%s" is none',
  (text) => {
    expect(() => parseAddress(text)).toThrow(/host:port/);
  },
);

test.each([
  [':7444', 'cp:7444'],
  ['0.0.0.0:7444', 'cp:7444'],
  ['[::]:7444', 'cp:7444'],
  ['other:7444', 'other:7444'],
])('a server that says %s and was reached as cp is at %s', (listening, expected) => {
  expect(showAddress(reachableAddress(parseAddress(listening), parseAddress('cp:7443')))).toBe(expected);
});
