// SPDX-License-Identifier: GPL-2.0-only
import { NativeSelect } from '@mantine/core';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import { stackAt } from '@lockstep/domain/load-order';
import { useState, type ReactElement } from 'react';
import { Link } from 'react-router';
import { useCensus, type ClusterCensus } from '../clusters/census';
import { Awaited } from '../display/awaited';
import { countWords } from '../display/counts';
import { NothingHere } from '../display/nothing-here';
import { PageHead } from '../display/page-head';
import { Panel } from '../display/panel';
import { useUrlState } from '../display/url-state';
import { Chain } from './chain';
import { usePatches, useDraft } from './draft';
import { DraftChooser, draftType } from './draft-chooser';
import { DraftPanel } from './draft-panel';
import { useOrder, type Order } from './order';
import { isTorn, pictureOf } from './picture';
import { PictureTable } from './picture-table';
import { TrustPanel } from './trust-panel';
import './load-order.css';

interface Choice {
  readonly cluster: string;
  readonly kernel: string;
  readonly label: string;
}

const choicesOf = (clusters: readonly ClusterCensus[]): Choice[] =>
  clusters.flatMap(({ cluster, orders }) =>
    orders.map(({ kernelBuildId: kernel, kernelRelease, headSeq }) => {
      const release = kernelRelease === '' ? kernel.slice(0, 12) : kernelRelease;
      return { cluster, kernel, label: `${cluster} · ${release} · head ${headSeq}` };
    }),
  );

interface Looking {
  readonly at: string;
  readonly draft: string;
}

interface OrderShownProps extends Looking {
  readonly order: Order;
  readonly set: (changes: Partial<Looking>) => void;
}

function OrderShown({ order, at, draft: draftName, set }: OrderShownProps): ReactElement {
  const { cluster, kernelBuildId, entries } = order;
  const head = entries.length;
  const asked = Number(at);
  const position = at !== '' && Number.isInteger(asked) && asked >= 0 && asked <= head ? asked : head;
  const [isOver, setOver] = useState(false);
  const patches = usePatches();
  const draft = useDraft({ cluster, kernelBuildId, patch: draftName, head });
  // What is not there yet is tried on what will be.
  const shownAt = draftName === '' ? position : head;
  const picture = pictureOf(order, shownAt, draftName === '' ? undefined : draft.data?.draft);
  const torn = picture.layers.filter(isTorn).length;
  const held = new Set<string>(stackAt(entries, parseSeq(head)).map(({ body }) => body.artifact.patchName));
  return (
    <div className="stacked">
      <div className="order-controls">
        <label className="position">
          <span>
            Position <strong>{shownAt}</strong> of {head}
          </span>
          <input
            type="range"
            min={0}
            max={head}
            value={shownAt}
            disabled={draftName !== ''}
            onChange={({ currentTarget }) => {
              set({ at: currentTarget.value === String(head) ? '' : currentTarget.value });
            }}
          />
        </label>
        <DraftChooser
          patches={patches.data ?? []}
          held={held}
          chosen={draftName}
          onChoose={(name) => {
            set({ draft: name, at: '' });
          }}
        />
      </div>
      <div
        className={isOver ? 'drop-target is-over' : 'drop-target'}
        onDragOver={(event) => {
          if (!event.dataTransfer.types.includes(draftType)) return;
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => {
          setOver(false);
        }}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          set({ draft: event.dataTransfer.getData(draftType), at: '' });
        }}
      >
        <Panel
          title="What runs"
          flush
          aside={`${countWords(picture.layers.length, 'layer')} over ${countWords(picture.columns.length, 'function')}${torn > 0 ? `, ${torn} torn` : ''}`}
        >
          {picture.layers.length === 0 ? (
            <NothingHere title="Nothing is loaded there: every function runs as the kernel was built." />
          ) : (
            <PictureTable picture={picture} position={shownAt} />
          )}
        </Panel>
      </div>
      {draftName !== '' && (
        <DraftPanel
          query={draft}
          cluster={cluster}
          kernelBuildId={kernelBuildId}
          patch={draftName}
          top={head}
          onDone={() => {
            set({ draft: '', at: '' });
          }}
        />
      )}
      <TrustPanel order={order} />
      <Chain order={order} />
    </div>
  );
}

/** Patches as layers over functions: who shadows whom, what is torn, and what runs. */
export function LoadOrderPage(): ReactElement {
  const { values, set } = useUrlState(['cluster', 'kernel', 'at', 'draft']);
  const census = useCensus();
  const choices = choicesOf(census.data ?? []);
  const named = choices.findIndex(
    ({ cluster, kernel }) => cluster === values.cluster && (values.kernel === '' || kernel === values.kernel),
  );
  const chosen = choices[Math.max(0, named)];
  const cluster = values.cluster === '' ? (chosen?.cluster ?? '') : values.cluster;
  const kernel = values.kernel === '' ? (chosen?.kernel ?? '') : values.kernel;
  const query = useOrder({ cluster, kernel });
  return (
    <>
      <PageHead
        title="Load order"
        summary="One order for every node of a cluster that runs the same kernel: what is appended never changes place."
        actions={
          <NativeSelect
            aria-label="Load order"
            value={String(Math.max(0, named))}
            data={choices.map(({ label }, index) => ({ value: String(index), label }))}
            onChange={({ currentTarget }) => {
              const next = choices[Number(currentTarget.value)];
              set({ cluster: next?.cluster ?? '', kernel: next?.kernel ?? '', at: '', draft: '' });
            }}
          />
        }
      />
      {census.data !== undefined && cluster === '' ? (
        <NothingHere title="There is no load order yet.">
          It begins with the first patch that is appended: see <Link to="/patches">Patches</Link>.
        </NothingHere>
      ) : (
        <Awaited query={query}>{(order) => <OrderShown order={order} {...values} set={set} />}</Awaited>
      )}
    </>
  );
}
