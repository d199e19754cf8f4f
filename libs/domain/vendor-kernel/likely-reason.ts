// SPDX-License-Identifier: GPL-2.0-only
import type { ObjectProof } from './prove-object';

/** The most likely reason for what differs, and what to do: a sentence for a person. */
export function likelyReason({ functions, equal, overridden, differences }: ObjectProof, release: string): string {
  const compared = functions - overridden.length;
  const missing = differences.filter(({ kind }) => kind === 'missing').length;
  if (differences.length > 0 && differences.every(({ kind, ours }) => kind === 'target' && ours.startsWith('"')))
    return `Only texts differ: most likely the source is of another version than ${release}. Give the source package of the very version of the image`;
  if (compared > 0 && equal === 0)
    return 'No function is the same: most likely another compiler or another config. Give the config of the vendor, and its compiler in the very version';
  if (equal * 2 < compared || missing * 2 > differences.length)
    return 'Most functions differ: most likely a config option or the version of the source is another. Give config and source in the very version of the image';
  return 'Few functions differ: most likely the source lacks a patch that the vendor has, has one of its own, or a config option is another. Give the source package of the very version of the image, unchanged';
}
