// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement, ReactNode } from 'react';
import type { NodeMessage } from '../api/schemas';
import { Icon } from '../display/icon';
import type { Tone } from '../display/tones';
import { Ago } from '../time/ago';

function Note({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }): ReactElement {
  return (
    <div className={`note tone-${tone}`}>
      <Icon name="warning" />
      <div>{children}</div>
    </div>
  );
}

/** What somebody should know of a node before anything else. */
export function NodeNotes({ node }: { readonly node: NodeMessage }): ReactElement {
  const { report, connected, lastSeenAt, revokedAt } = node;
  const { problem, quarantine, trouble, obstacles = [], kept = [], kernelConflicts = [] } = report ?? {};
  return (
    <>
      {revokedAt !== undefined && (
        <Note tone="bad">
          Its certificate was revoked <Ago at={revokedAt} />: it is let in again only after joining anew.
        </Note>
      )}
      {connected !== true && (
        <Note tone="warn">
          It is away: its agent was heard <Ago at={lastSeenAt} />. What stands here is what it said then.
        </Note>
      )}
      {problem !== undefined && (
        <Note tone="bad">
          <strong>It cannot go on:</strong> {problem.message} <code className="dim">{problem.reason}</code>
        </Note>
      )}
      {quarantine !== undefined && (
        <Note tone={quarantine.released === true ? 'warn' : 'bad'}>
          <strong>It did not survive entry {quarantine.seq}</strong> ({quarantine.evidence}):{' '}
          {quarantine.released === true
            ? 'it was released and is on trial.'
            : 'it loads nothing from that entry on until the entry is retired or somebody releases it.'}
        </Note>
      )}
      {trouble !== undefined && (
        <Note tone="warn">
          <strong>Its kernel has complained</strong> ({trouble.kind}):
          <pre className="kernel-line">{trouble.message}</pre>
        </Note>
      )}
      {obstacles.map(({ kind, at, by }) => (
        <Note key={`${kind ?? ''} ${at ?? ''}`} tone="warn">
          <strong>In the way of loads:</strong> {kind} {at !== undefined && <code>{at}</code>} {by}
        </Note>
      ))}
      {kernelConflicts.map(({ function: fn, owners = [] }) => (
        <Note key={fn?.name} tone="warn">
          The kernel itself says that several livepatches change <code>{fn?.name}</code>:{' '}
          {owners.map(({ moduleName }) => moduleName).join(' over ')}.
        </Note>
      ))}
      {kept.map(({ moduleName, reasons = [] }) => (
        <Note key={moduleName} tone="idle">
          <code>{moduleName}</code> is disabled and stays in the kernel until it boots. {reasons.join(' ')}
        </Note>
      ))}
    </>
  );
}
