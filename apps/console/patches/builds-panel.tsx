// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import type { BuildMessage } from '../api/schemas';
import { NothingHere } from '../display/nothing-here';
import { Panel } from '../display/panel';
import { StateMark } from '../display/state-mark';
import { buildWord } from '../display/tones';
import { Ago } from '../time/ago';
import { BuildLog } from './build-log';

export interface BuildsPanelProps {
  readonly builds: readonly BuildMessage[];
  /** Of which the log is shown; empty: none. */
  readonly open: string;
  readonly onOpen: (build: string) => void;
}

function Build({
  build,
  open,
  onOpen,
}: { readonly build: BuildMessage } & Omit<BuildsPanelProps, 'builds'>): ReactElement {
  const { id = '', kernelBuildId = '', status, failure, builtOnto = [], queuedAt, artifact, proofs = [] } = build;
  const isOpen = open === id;
  return (
    <li className="build">
      <div className="build-head">
        <StateMark state={buildWord(status)} />
        <span>
          for <code title={kernelBuildId}>{kernelBuildId.slice(0, 12)}</code>
          {builtOnto.length > 0 && <> onto {builtOnto.join(', ')}</>}
        </span>
        <span className="dim">
          queued <Ago at={queuedAt} />
        </span>
        <button
          type="button"
          className="text-button"
          aria-expanded={isOpen}
          onClick={() => {
            onOpen(isOpen ? '' : id);
          }}
        >
          {isOpen ? 'Hide the log' : 'Show the log'}
        </button>
      </div>
      {failure !== undefined && (
        <div className="note tone-bad">
          <div>
            {failure.message} <code className="dim">{failure.reason}</code>
          </div>
        </div>
      )}
      {artifact !== undefined && (
        <p className="dim">
          <code>{artifact.moduleName}</code>, {artifact.sizeBytes ?? 0} bytes, sha256{' '}
          <code title={artifact.sha256}>{(artifact.sha256 ?? '').slice(0, 16)}</code>
        </p>
      )}
      {(artifact?.caveats ?? []).map(({ kind, message }) => (
        <p key={kind}>
          <strong>{kind}</strong>: {message}
        </p>
      ))}
      {proofs.map(({ object, functions = 0, equal = 0 }) => (
        <p key={object}>
          Proved against the vendor&rsquo;s <code>{object}</code>: {equal} of {functions} functions equal.
        </p>
      ))}
      {isOpen && <BuildLog build={build} />}
    </li>
  );
}

/** By kernel and stack: how each build went, what came of it, and what its workers say. */
export function BuildsPanel({ builds, open, onOpen }: BuildsPanelProps): ReactElement {
  return (
    <Panel title="Builds">
      {builds.length === 0 && (
        <NothingHere title="It was built for no kernel.">Register one, then submit the patch again.</NothingHere>
      )}
      <ul className="builds">
        {builds.map((build) => (
          <Build key={build.id} build={build} open={open} onOpen={onOpen} />
        ))}
      </ul>
    </Panel>
  );
}
