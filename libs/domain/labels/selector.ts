// SPDX-License-Identifier: GPL-2.0-only
import type { LabelKey, Labels } from './labels';

/** What one label must be. A node without the label is none of `values`. */
export type Requirement =
  | { readonly kind: 'in' | 'not-in'; readonly key: LabelKey; readonly values: ReadonlySet<string> }
  | { readonly kind: 'present' | 'absent'; readonly key: LabelKey };

/** All of them must hold: none matches every node. */
export type Selector = readonly Requirement[];

function meets(labels: Labels, requirement: Requirement): boolean {
  const value = labels.get(requirement.key);
  switch (requirement.kind) {
    case 'in':
      return value !== undefined && requirement.values.has(value);
    case 'not-in':
      return value === undefined || !requirement.values.has(value);
    case 'present':
      return value !== undefined;
    case 'absent':
      return value === undefined;
  }
}

export const matchesSelector = (selector: Selector, labels: Labels): boolean =>
  selector.every((requirement) => meets(labels, requirement));
