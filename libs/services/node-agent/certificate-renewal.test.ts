// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import { createCertificateRequest, openCertificateAuthority, readCertificateRequest } from '@lockstep/io/certificates';
import { temporaryFolder } from '@lockstep/testing/local-servers';
import { CertificateRenewal } from './certificate-renewal';

const dayMs = 24 * 3_600_000;

async function newCertificate(): Promise<string> {
  const folder = await temporaryFolder('renewal');
  const authority = await openCertificateAuthority({
    ...{ dir: path.join(folder.path, 'pki'), names: ['127.0.0.1'], mayMakeKeys: true },
  });
  const { requestPem } = await createCertificateRequest();
  const pem = authority.issueNodeCertificate(readCertificateRequest(requestPem), parseNodeName('n1'));
  await folder.remove();
  return pem;
}

test('a certificate of thirty days is renewed around half of its life, not all at one time, and after a failure an hour later', async () => {
  const pem = await newCertificate();
  const now = Date.now();
  const isDueAfter = (days: number, random: number): boolean => {
    jest.useFakeTimers({ now: now + days * dayMs });
    const due = new CertificateRenewal(pem, random).isDue();
    jest.useRealTimers();
    return due;
  };
  // It begins a day early, for clocks that are behind.
  expect([0, 11, 12, 18].map((days) => isDueAfter(days, 0))).toEqual([false, false, true, true]);
  expect([0, 11, 17, 18].map((days) => isDueAfter(days, 1))).toEqual([false, false, false, true]);
  const renewal = new CertificateRenewal(pem, 0);
  renewal.noteFailure();
  jest.useFakeTimers({ now: now + 59 * 60_000 });
  expect(renewal.isDue()).toBe(false);
  jest.setSystemTime(now + 61 * 60_000);
  expect(renewal.isDue()).toBe(true);
  jest.useRealTimers();
});

test('a clock that is weeks ahead has a certificate renewed once an hour, and not with every heartbeat', async () => {
  const pem = await newCertificate();
  const ahead = Date.now() + 25 * dayMs;
  jest.useFakeTimers({ now: ahead });
  const renewal = new CertificateRenewal(pem);
  expect(renewal.isDue()).toBe(true);
  renewal.noteRenewed(pem);
  expect(renewal.isDue()).toBe(false);
  jest.setSystemTime(ahead + 61 * 60_000);
  expect(renewal.isDue()).toBe(true);
  jest.useRealTimers();
});

test('a certificate that the control plane calls expired is renewed with the next try, whatever the clock and the last try say', async () => {
  const pem = await newCertificate();
  const renewal = new CertificateRenewal(pem, 0);
  expect(renewal.isDue()).toBe(false);
  renewal.noteExpired();
  expect(renewal.isDue()).toBe(true);
  renewal.noteFailure();
  renewal.noteExpired();
  expect(renewal.isDue()).toBe(true);
  renewal.noteRenewed(pem);
  expect(renewal.isDue()).toBe(false);
});
