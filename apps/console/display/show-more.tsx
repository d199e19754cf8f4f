// SPDX-License-Identifier: GPL-2.0-only
import { Button } from '@mantine/core';
import type { ReactElement } from 'react';
import { countWords } from './counts';

interface ShowMoreProps {
  /** How many are not shown; none, or fewer: nothing is offered. */
  readonly left: number;
  /** What one of them is called. */
  readonly one: string;
  readonly onMore: () => void;
}

/** Below a table of which only the beginning is drawn. */
export function ShowMore({ left, one, onMore }: ShowMoreProps): ReactElement | null {
  if (left <= 0) return null;
  return (
    <div className="rows-more">
      <Button variant="subtle" onClick={onMore}>
        Show more: {countWords(left, one)} left
      </Button>
    </div>
  );
}
