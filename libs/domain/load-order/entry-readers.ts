// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type NodeName } from '@lockstep/domain/livepatch-model';
import { entryVersion, type EntryBody } from './log-entry';

/** A member of a load order, as far as reading it goes. */
export interface EntryReader {
  readonly name: NodeName;
  readonly agentVersion: string;
  /** Versions of entries that its agent reads; empty: an agent from before they were told, which reads the first. */
  readonly entryVersions: readonly number[];
}

const reads = ({ entryVersions }: EntryReader, version: number): boolean =>
  entryVersions.length === 0 ? version === 1 : entryVersions.includes(version);

/**
 * An entry that a member cannot read would part it from the others for good, for a log is never shortened.
 * @throws LockstepError `refused` `members-cannot-read` naming them.
 */
export function insistAllRead(body: EntryBody, members: readonly EntryReader[]): void {
  const version = entryVersion({ body });
  const blind = members.filter((member) => !reads(member, version));
  if (blind.length === 0) return;
  const named = blind.map(({ name, agentVersion }) => `${name} (agent ${agentVersion || 'unknown'})`);
  const message =
    `The entry would be of version ${version}, which the agents of ${named.join(', ')} cannot read: install newer ones ` +
    'there first, or take nodes out that are gone (node remove).';
  throw new LockstepError('refused', 'members-cannot-read', message, { version, nodes: blind.map(({ name }) => name) });
}
