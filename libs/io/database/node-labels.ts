// SPDX-License-Identifier: GPL-2.0-only
import type { LabelKey, Labels, NodeLabels } from '@lockstep/domain/labels';
import type { Node as NodeRow } from './generated/client';

/** As they are kept: checked when they were written. */
const labelsFromJson = (json: NodeRow['assignedLabels']): Labels =>
  new Map(Object.entries(json as Record<string, string>) as [LabelKey, string][]);

export const labelsToJson = (labels: Labels): Record<string, string> => Object.fromEntries(labels);

export const labelsFromRow = ({
  reportedLabels,
  assignedLabels,
}: Pick<NodeRow, 'reportedLabels' | 'assignedLabels'>): NodeLabels => ({
  reported: labelsFromJson(reportedLabels),
  assigned: labelsFromJson(assignedLabels),
});
