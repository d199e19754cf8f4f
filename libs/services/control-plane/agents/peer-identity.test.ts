// SPDX-License-Identifier: GPL-2.0-only
import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parseClusterName, parseNodeName } from '@lockstep/domain/livepatch-model';
import { createCertificateRequest, openCertificateAuthority, readCertificateRequest } from '@lockstep/io/certificates';
import type { NodeRecord } from '@lockstep/io/database';
import { temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { identifyPeer } from './peer-identity';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder('peer');
});
afterEach(() => folder.remove());

// The certificate library is loaded by the first.
const name = parseNodeName('node-1');

/** A node with its certificate, and the node as it is known. */
async function certified(): Promise<{ readonly raw: Buffer; readonly known: NodeRecord }> {
  const authority = await openCertificateAuthority({
    ...{ dir: path.join(folder.path, 'pki'), names: ['127.0.0.1'], mayMakeKeys: true },
  });
  const key = readCertificateRequest((await createCertificateRequest()).requestPem);
  const { raw } = new X509Certificate(authority.issueNodeCertificate(key, name));
  const known = {
    name,
    cluster: parseClusterName('lab'),
    certificateFingerprint: key.publicKeySha256,
    revokedAt: null,
  };
  return { raw, known: known as NodeRecord };
}

const identify = (known: NodeRecord, certificate: Buffer) =>
  identifyPeer(
    { find: (asked) => (asked === known.name ? known : undefined) },
    { certificate, fault: undefined, isOneTooMany: false },
    0,
  );

test('reads what a connection has shown once, however many calls come over it', async () => {
  const { raw, known } = await certified();
  const first = identify(known, raw);
  expect(first).toEqual({ kind: 'node', node: name, cluster: 'lab', certificate: 'good' });
  raw.fill(0);
  expect(identify(known, raw)).toEqual(first);
});

test('what the control plane knows of the node is asked each time', async () => {
  const { raw, known } = await certified();
  identify(known, raw);
  expect(() => identify({ ...known, revokedAt: new Date(0) }, raw)).toThrow('was revoked');
  expect(() => identify({ ...known, certificateFingerprint: 'another' }, raw)).toThrow('enrolled again');
});
