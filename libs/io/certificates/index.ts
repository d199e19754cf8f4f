// SPDX-License-Identifier: GPL-2.0-only
export {
  buildSignerOf,
  buildVerifierOf,
  createBuildKey,
  type BuildKeyPair,
  type BuildSigner,
  type BuildVerifier,
} from './build-key';
export { openCertificateAuthority, type AuthorityOptions, type CertificateAuthority } from './certificate-authority';
export {
  certificateFingerprint,
  certificateKey,
  createCertificateRequest,
  readCertificateRequest,
  type CertificateRequest,
  type ProvenKey,
} from './certificate-request';
export { readCertifiedKey, type CertifiedKey } from './certified-key';
export { openBuildSigner } from './open-build-signer';
export { newJoinToken, secretSha256 } from './join-secret';
export { moduleHashes, moduleSignerOf, type ModuleHash, type ModuleSigner } from './module-signer';
export { openLogKeyring, type LogKeyring } from './log-keyring';
export { createLogSigner, createLogVerifier, logChecksOf, type LogSigner } from './log-signer';
