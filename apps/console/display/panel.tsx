// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement, ReactNode } from 'react';

export interface PanelProps {
  readonly title: string;
  /** Right of the title. */
  readonly aside?: ReactNode;
  readonly children: ReactNode;
  /** Its content reaches its edges. */
  readonly flush?: boolean;
}

export function Panel({ title, aside, children, flush = false }: PanelProps): ReactElement {
  return (
    <section className={flush ? 'panel panel-flush' : 'panel'} aria-label={title}>
      <header className="panel-head">
        <h2>{title}</h2>
        {aside !== undefined && <div className="panel-aside">{aside}</div>}
      </header>
      <div className="panel-body">{children}</div>
    </section>
  );
}
