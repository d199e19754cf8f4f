// SPDX-License-Identifier: GPL-2.0-only
export {
  ExpectedModules,
  explainDrift,
  judgeDrift,
  type NodeDrift,
  type ShownModule,
  type ShownNode,
} from './judge-drift';
