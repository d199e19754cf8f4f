// SPDX-License-Identifier: GPL-2.0-only
export { openCertificateAuthority, type AuthorityOptions, type CertificateAuthority } from './certificate-authority';
export {
  certificateFingerprint,
  certificatePin,
  createCertificateRequest,
  readCertificateRequest,
  type CertificateRequest,
  type ProvenKey,
} from './certificate-request';
export { formatJoinToken, newJoinToken, parseJoinToken, secretSha256, type JoinToken } from './join-token';
export { createLogSigner, createLogVerifier, sha256OfBytes, type LogSigner } from './log-signer';
export { readIfPresent, readOrCreate, writePrivateFile } from './private-file';
