// SPDX-License-Identifier: GPL-2.0-only
import type { Session, Verb } from '../api/schemas';

/** What is of no cluster, or of all: only whose rights hold everywhere may do it. */
export const everywhere = Symbol('everywhere');

/**
 * Why somebody may not do something, for people; undefined where they may. The control plane decides it again.
 * @param place the cluster that it is about; absent: whichever
 */
export function whyNot(
  { identity, may }: Pick<Session, 'identity' | 'may'>,
  verb: Verb,
  place?: string | typeof everywhere,
): string | undefined {
  const permission = may[verb];
  if (permission !== true) return permission.reason;
  if (place === everywhere && identity.selector !== '') {
    return `Your rights hold for nodes with ${identity.selector}, not for all of them.`;
  }
  if (place === undefined || identity.everywhere) return undefined;
  if (place !== everywhere && identity.clusters.includes(place)) return undefined;
  return `Your rights hold in ${identity.clusters.join(', ')}, not in ${place === everywhere ? 'every cluster' : place}.`;
}
