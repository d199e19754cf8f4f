// SPDX-License-Identifier: GPL-2.0-only
import { Button } from '@mantine/core';
import type { UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactElement } from 'react';

interface OlderOnesProps {
  readonly pages: Pick<UseInfiniteQueryResult, 'hasNextPage' | 'isFetchingNextPage' | 'fetchNextPage'>;
}

/** Below a list that goes back in pages. */
export function OlderOnes({ pages }: OlderOnesProps): ReactElement | null {
  if (!pages.hasNextPage) return null;
  return (
    <div className="rows-more">
      <Button
        variant="subtle"
        loading={pages.isFetchingNextPage}
        onClick={() => {
          pages.fetchNextPage().catch(() => undefined);
        }}
      >
        Show older ones
      </Button>
    </div>
  );
}
