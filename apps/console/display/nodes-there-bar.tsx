// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { ShareBar } from './share-bar';

interface NodesThereBarProps {
  /** How many nodes there are to bring there. */
  readonly of: number;
  readonly there: number;
}

export function NodesThereBar({ of, there }: NodesThereBarProps): ReactElement {
  return (
    <ShareBar
      of={of}
      parts={[
        { word: 'there', tone: 'good', count: there },
        { word: 'not yet', tone: 'idle', count: of - there },
      ]}
    />
  );
}
