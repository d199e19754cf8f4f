// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement, ReactNode } from 'react';

/** There is nothing to show, and what would change that. */
export function NothingHere({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ReactNode;
}): ReactElement {
  return (
    <div className="nothing-here">
      <p>{title}</p>
      {children !== undefined && <div className="dim">{children}</div>}
    </div>
  );
}
