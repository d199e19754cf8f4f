// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import type { BuildMessage } from '../api/schemas';
import { byteWords } from '../display/bytes';
import { NothingHere } from '../display/nothing-here';
import { Panel } from '../display/panel';
import { StateMark } from '../display/state-mark';
import { buildWord } from '../display/tones';
import { Ago } from '../time/ago';
import { BuildLog } from './build-log';
import { Provenance } from './provenance';

/** Builds by their ids; empty: none. */
export interface OpenBuilds {
  readonly log: string;
  readonly provenance: string;
}

export interface BuildsPanelProps {
  readonly builds: readonly BuildMessage[];
  readonly open: OpenBuilds;
  readonly onOpen: (open: Partial<OpenBuilds>) => void;
}

const openers = [
  { what: 'log', show: 'Show the log', hide: 'Hide the log' },
  { what: 'provenance', show: 'Where it comes from', hide: 'Hide where it comes from' },
] as const;

function Build({
  build,
  open,
  onOpen,
}: { readonly build: BuildMessage } & Omit<BuildsPanelProps, 'builds'>): ReactElement {
  const { id = '', kernelBuildId = '', status, failure, builtOnto = [], queuedAt, artifact, proofs = [] } = build;
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
        {openers
          .filter(({ what }) => what === 'log' || artifact !== undefined)
          .map(({ what, show, hide }) => (
            <button
              key={what}
              type="button"
              className="text-button"
              aria-expanded={open[what] === id}
              onClick={() => {
                onOpen({ [what]: open[what] === id ? '' : id });
              }}
            >
              {open[what] === id ? hide : show}
            </button>
          ))}
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
          <code>{artifact.moduleName}</code>, {byteWords(artifact.sizeBytes ?? 0)}, sha256{' '}
          <code title={artifact.sha256}>{(artifact.sha256 ?? '').slice(0, 16)}</code>
        </p>
      )}
      {(artifact?.caveats ?? []).map(({ kind, message }) => (
        <p key={kind}>
          <strong>{kind}</strong>: {message}
        </p>
      ))}
      {proofs.map(({ object, functions = 0, equal = 0, overridden = [] }) => (
        <p key={object}>
          Its originals were proved against the kernel&rsquo;s own <code>{object}</code>: {equal} of {functions}{' '}
          functions equal{overridden.length > 0 && `, ${overridden.join(', ')} overridden elsewhere`}.
        </p>
      ))}
      {open.provenance === id && artifact !== undefined && (
        <Provenance build={id} moduleName={artifact.moduleName ?? ''} />
      )}
      {open.log === id && <BuildLog build={build} />}
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
