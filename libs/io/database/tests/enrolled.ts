// SPDX-License-Identifier: GPL-2.0-only
import type { AuditEvent } from '@lockstep/domain/audit';
import type { Enrolment } from '../index';

/** What is written down of an enrolment, where a test has no call that it came of. */
export const enrolled = ({ cluster, node }: Pick<Enrolment, 'cluster' | 'node'>): AuditEvent => ({
  ...{ who: 'stranger', token: '', from: '127.0.0.1:1', call: 'Enrolment/Enrol', on: `cluster ${cluster}` },
  ...{ details: JSON.stringify({ node }), because: '', result: 'done' },
});
