// SPDX-License-Identifier: GPL-2.0-only
export {
  labelsOfEntries,
  mostLabels,
  noLabels,
  parseLabelKey,
  parseLabels,
  parseLabelValue,
  showLabels,
  type LabelKey,
  type Labels,
} from './labels';
export { changeLabels, type LabelChange } from './label-change';
export { effectiveLabels, type NodeLabels } from './node-labels';
export { matchesSelector, type Requirement, type Selector } from './selector';
export { parseSelector } from './parse-selector';
export { showSelector } from './show-selector';
