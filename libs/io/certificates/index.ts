// SPDX-License-Identifier: GPL-2.0-only
export { openCertificateAuthority, type AuthorityOptions, type CertificateAuthority } from './certificate-authority';
export {
  certificateFingerprint,
  createCertificateRequest,
  readCertificateRequest,
  type CertificateRequest,
  type ProvenKey,
} from './certificate-request';
export { formatJoinToken, newJoinToken, parseJoinToken, secretSha256, type JoinToken } from './join-token';
export { createLogSigner, createLogVerifier, type LogSigner } from './log-signer';
