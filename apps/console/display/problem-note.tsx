// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { asProblem } from '../api/problem';
import { Icon } from './icon';

export interface ProblemNoteProps {
  readonly error: unknown;
  /** What was tried, as a sentence's beginning: "The rollout was not paused". */
  readonly what?: string;
}

/** What went wrong, where it did, and what to do. */
export function ProblemNote({ error, what }: ProblemNoteProps): ReactElement | null {
  if (error === null || error === undefined) return null;
  const { message, reason } = asProblem(error);
  return (
    <div className="note tone-bad" role="alert">
      <Icon name="warning" />
      <div>
        {what !== undefined && <strong>{what}. </strong>}
        {message} <code className="dim">{reason}</code>
      </div>
    </div>
  );
}
