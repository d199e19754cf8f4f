// SPDX-License-Identifier: GPL-2.0-only
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { ActionButton } from '../display/action-button';
import { Awaited } from '../display/awaited';
import { countWords } from '../display/counts';
import { Icon } from '../display/icon';
import { Panel } from '../display/panel';
import { ProblemNote } from '../display/problem-note';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';
import type { JudgedDraft } from './draft';
import { useAppend, WaysOut, type ConflictedDraft } from './ways-out';

function Free(draft: ConflictedDraft): ReactElement {
  const session = useSession();
  const { mutate, isPending, error } = useAppend(draft);
  return (
    <div className="stacked">
      <p>
        <Icon name="check" size={14} /> Nothing is in its way: it shares no function that it does not contain.
      </p>
      <ActionButton
        label={`Append ${draft.patch}`}
        variant="filled"
        whyNot={whyNot(session, 'order', draft.cluster)}
        isBusy={isPending}
        onClick={() => {
          mutate();
        }}
      />
      <ProblemNote error={error} what="It was not appended" />
    </div>
  );
}

export interface DraftPanelProps extends Omit<ConflictedDraft, 'judged'> {
  readonly query: UseQueryResult<JudgedDraft>;
}

/** What a draft would do to the stack, before it ships, and what can be done about that. */
export function DraftPanel({ query, ...about }: DraftPanelProps): ReactElement {
  return (
    <Panel title={`If ${about.patch} were appended now`}>
      <Awaited query={query}>
        {({ judged }) => {
          const lost = (judged.conflicts ?? []).filter(({ contained }) => contained !== true);
          const conflicted = { ...about, judged };
          if (lost.length === 0 && (judged.dropped ?? []).length === 0) return <Free {...conflicted} />;
          return (
            <div className="stacked">
              <div className="note tone-bad">
                <Icon name="warning" />
                <div>
                  <strong>{countWords(lost.length, 'conflict')}.</strong>{' '}
                  {lost
                    .map(({ function: fn, ownerPatchName }) => `${fn?.name ?? ''} is ${ownerPatchName ?? ''}’s`)
                    .join('; ')}
                  .
                  {(judged.torn ?? []).map(({ seq, patchName, running = [] }) => (
                    <div key={seq}>
                      {patchName} would run in part: only {running.map(({ name }) => name).join(', ')}.
                    </div>
                  ))}
                </div>
              </div>
              <WaysOut {...conflicted} />
            </div>
          );
        }}
      </Awaited>
    </Panel>
  );
}
