// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseProbe, showProbe } from './probe';

test.each([
  ['http=http://127.0.0.1:8080/healthz', { kind: 'http', url: 'http://127.0.0.1:8080/healthz' }],
  ['http=https://[::1]/ready?full=1', { kind: 'http', url: 'https://[::1]/ready?full=1' }],
  ['tcp=localhost:22', { kind: 'tcp', host: 'localhost', port: 22 }],
  ['tcp=[::1]:5432', { kind: 'tcp', host: '[::1]', port: 5432 }],
  ['command=nginx-ok', { kind: 'command', name: 'nginx-ok' }],
])('%s is a probe, and is written as it was', (text, probe) => {
  expect(parseProbe(text)).toEqual(probe);
  expect(showProbe(parseProbe(text))).toBe(text);
});

// What a URL's reader makes 127.0.0.1 of is 127.0.0.1; what it makes another host of is refused as that.
test.each([
  ['http=http://2130706433/', 'http=http://127.0.0.1/'],
  ['http=http://127.1:80/#top', 'http=http://127.0.0.1/'],
])('%s is %s', (text, same) => {
  expect(showProbe(parseProbe(text))).toBe(same);
});

test.each([
  ['http=http://169.254.169.254/latest', /only the node itself/],
  ['http=http://127.0.0.1.evil.example/', /only the node itself/],
  ['http=http://root:x@127.0.0.1/', /user and password/],
  ['http=file:///etc/shadow', /http or https/],
  ['http=nowhere', /write http=http:/],
  ['tcp=10.0.0.1:22', /only the node itself/],
  ['tcp=127.0.0.1:0', /write tcp=/],
  ['tcp=127.0.0.1:70000', /write tcp=/],
  ['command=../bin/sh', /small letters/],
  ['command=rm -rf', /small letters/],
  ['udp=127.0.0.1:53', /write http=URL, tcp=HOST:PORT or command=NAME/],
  ['nginx', /write http=URL/],
  [`http=http://127.0.0.1/${'x'.repeat(600)}`, /more than 512/],
])('%s is refused: %s', (text, why) => {
  expect(() => parseProbe(text)).toThrow(why);
});
