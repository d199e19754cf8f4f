// SPDX-License-Identifier: GPL-2.0-only
import type { Requirement, Selector } from './selector';

function showRequirement(requirement: Requirement): string {
  const { kind, key } = requirement;
  switch (kind) {
    case 'present':
      return key;
    case 'absent':
      return `!${key}`;
    case 'in':
    case 'not-in': {
      const values = [...requirement.values].sort();
      const [value = ''] = values;
      if (values.length === 1) return `${key}${kind === 'in' ? '=' : '!='}${value}`;
      return `${key} ${kind === 'in' ? 'in' : 'notin'} (${values.join(',')})`;
    }
  }
}

/** In the words that `parseSelector` takes; empty for every node. */
export const showSelector = (selector: Selector): string => selector.map(showRequirement).join(',');
