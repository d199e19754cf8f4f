// SPDX-License-Identifier: GPL-2.0-only
import { useEffect, type ReactElement, type ReactNode } from 'react';
import { Link } from 'react-router';

export interface PageHeadProps {
  readonly title: string;
  /** The page that this one is part of. */
  readonly within?: { readonly title: string; readonly to: string };
  /** One line: what is so now. */
  readonly summary?: ReactNode;
  /** What may be done here. */
  readonly actions?: ReactNode;
}

export function PageHead({ title, within, summary, actions }: PageHeadProps): ReactElement {
  useEffect(() => {
    document.title = `${title} · Lockstep`;
  }, [title]);
  return (
    <header className="page-head">
      <div className="page-head-words">
        {within !== undefined && (
          <Link className="page-within" to={within.to}>
            {within.title}
          </Link>
        )}
        <h1>{title}</h1>
        {summary !== undefined && <div className="page-summary">{summary}</div>}
      </div>
      {actions !== undefined && <div className="page-actions">{actions}</div>}
    </header>
  );
}
