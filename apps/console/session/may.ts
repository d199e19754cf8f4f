// SPDX-License-Identifier: GPL-2.0-only
import type { Session, Verb } from '../api/schemas';

/** Why somebody may not do something, for people; undefined where they may. The control plane decides it again. */
export function whyNot(
  { identity, may }: Pick<Session, 'identity' | 'may'>,
  verb: Verb,
  cluster?: string,
): string | undefined {
  const permission = may[verb];
  if (permission !== true) return permission.reason;
  if (cluster === undefined || identity.everywhere || identity.clusters.includes(cluster)) return undefined;
  return `Your rights hold in ${identity.clusters.join(', ')}, not in ${cluster}.`;
}
