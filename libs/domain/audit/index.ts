// SPDX-License-Identifier: GPL-2.0-only
export {
  chainRecord,
  encodeAuditCheckpoint,
  encodeAuditRecord,
  type AuditCheckpoint,
  type AuditEvent,
  type AuditRecord,
} from './audit-record';
export { AuditCheck, type AuditChecks, type AuditFault, type AuditVerdict } from './check-audit';
