// SPDX-License-Identifier: GPL-2.0-only
import type { ErrorFields, LockstepError } from '@lockstep/domain/livepatch-model';

type Field = ErrorFields[string] | undefined;

const text = (field: Field, otherwise: string): string =>
  typeof field === 'string' || typeof field === 'number' ? String(field) : otherwise;

const show = 'lockstep context ls';

/** What to type next, for errors whose own words do not say it. */
const nextSteps: Readonly<Record<string, (fields: ErrorFields) => string>> = {
  'token-missing': () => show,
  'token-wrong': () => show,
  'not-configured': () => 'lockstep context add NAME --server HOST:PORT --token-file FILE --ca-file FILE',
  'grpc-unavailable': () => show,
  'grpc-deadline-exceeded': () => show,
  'server-unreachable': () => show,
  'timed-out': () => 'the same with a longer --timeout',
  'unknown-kernel-build': () => 'lockstep kernel ls',
  'ambiguous-kernel-build': () => 'lockstep kernel ls',
  'kernel-build-needed': () => 'lockstep kernel ls',
  'unknown-rollout': () => 'lockstep rollout ls',
  'unknown-build': () => 'lockstep build ls',
  'unforced-conflict': ({ cluster }) => `lockstep conflicts PATCH --cluster ${text(cluster, 'CLUSTER')}`,
  'unforced-replace': ({ cluster }) => `lockstep conflicts PATCH --cluster ${text(cluster, 'CLUSTER')}`,
  'seq-taken': ({ cluster }) => `lockstep order show --cluster ${text(cluster, 'CLUSTER')}`,
  'not-in-stack': ({ cluster }) => `lockstep order show --cluster ${text(cluster, 'CLUSTER')}`,
  'unknown-override': ({ cluster }) => `lockstep order show --cluster ${text(cluster, 'CLUSTER')}`,
  'not-quarantined': ({ node }) => `lockstep node show ${text(node, 'NODE')}`,
  'node-away': ({ node }) => `lockstep node show ${text(node, 'NODE')}`,
  'label-taken': ({ node }) => `lockstep node show ${text(node, 'NODE')}`,
  'label-of-agent': ({ node }) => `lockstep node show ${text(node, 'NODE')}`,
  'cluster-exists': ({ cluster }) => `lockstep cluster set ${text(cluster, 'CLUSTER')} --help`,
  'patch-name-taken': ({ name }) => `lockstep patch show ${text(name, 'PATCH')}`,
  'build-ended': ({ build }) => `lockstep build show ${text(build, 'BUILD')}`,
  'invalid-selector': () => 'lockstep node ls --show-labels',
  'invalid-cve': () => 'lockstep patch ls',
};

/** Reasons that have one, for the test that looks whether anything still gives them. */
export const reasonsWithStep: readonly string[] = Object.keys(nextSteps);

/** A command, or undefined where the message itself has one, or there is nothing to type. */
export function nextStep({ reason, message, fields }: LockstepError): string | undefined {
  return /`?lockstep [a-z]/.test(message) ? undefined : nextSteps[reason]?.(fields);
}
