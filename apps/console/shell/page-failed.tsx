// SPDX-License-Identifier: GPL-2.0-only
import { Button } from '@mantine/core';
import type { ReactElement } from 'react';
import { useRouteError } from 'react-router';
import { PageHead } from '../display/page-head';

/** A page that could not be shown, as when another version of the console has been installed since. */
export function PageFailed(): ReactElement {
  const error = useRouteError();
  return (
    <>
      <PageHead title="This page failed" />
      <div className="note tone-bad" role="alert">
        <div>
          {error instanceof Error ? error.message : 'It could not be shown.'} Load it again; if that does not help, the
          same is told by <code>lockstep</code>.
        </div>
      </div>
      <p>
        <Button
          onClick={() => {
            location.reload();
          }}
        >
          Load again
        </Button>
      </p>
    </>
  );
}
