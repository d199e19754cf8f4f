// SPDX-License-Identifier: GPL-2.0-only
import { Button, Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { useNavigate } from 'react-router';
import { answerOf, api } from '../api/client';
import type { Schemas } from '../api/schemas';
import { useCensus } from '../clusters/census';
import { ActionButton } from '../display/action-button';
import { Awaited } from '../display/awaited';
import { countWords } from '../display/counts';
import { NothingHere } from '../display/nothing-here';
import { PageDialog } from '../display/page-dialog';
import { ProblemNote } from '../display/problem-note';
import { StateMark } from '../display/state-mark';
import { usePatches } from '../load-order/draft';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';
import { memberWord } from './campaign';

interface Wanted {
  readonly patch: string;
  /** In the order in which they get their turn. */
  readonly clusters: readonly string[];
  readonly membersAtOnce: number;
  readonly goesOnAfterHalt: boolean;
}

function Planned({ members }: { readonly members: readonly Schemas['PlannedMember'][] }): ReactElement {
  return (
    <ul className="plan plan-members">
      {members.map(({ cluster = '', kernelBuildId = '', state, nodeCount = 0, waves = [], problem }) => (
        <li key={`${cluster} ${kernelBuildId}`}>
          <strong>{cluster}</strong> <code className="dim">{kernelBuildId.slice(0, 12)}</code>{' '}
          <StateMark state={memberWord(state)} /> {countWords(nodeCount, 'node')}
          {waves.length > 0 && ` in waves of ${waves.join(', ')}`}
          {problem !== undefined && <p className="tone-bad member-message">{problem.message}</p>}
        </li>
      ))}
    </ul>
  );
}

function Dialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const navigate = useNavigate();
  const census = useCensus();
  const patches = usePatches();
  const [wanted, setWanted] = useState<Wanted>({ patch: '', clusters: [], membersAtOnce: 1, goesOnAfterHalt: false });
  const isWhole = wanted.patch !== '' && wanted.clusters.length > 0;
  const body = { ...wanted, clusters: [...wanted.clusters] };
  const preview = useQuery({
    queryKey: ['campaign-plan', wanted],
    queryFn: () => answerOf(api.POST('/v1/campaigns/plans', { body: { campaign: body } })),
    enabled: isWhole,
    gcTime: 0,
  });
  const start = useMutation({
    mutationFn: (planHash: string) => answerOf(api.POST('/v1/campaigns', { body: { ...body, planHash } })),
    onSuccess: async ({ campaign }) => navigate(`/campaigns/${campaign?.id ?? ''}`),
  });
  const planHash = preview.data?.hash;
  const withNodes = (census.data ?? []).filter(({ orders }) => orders.some(({ nodes }) => nodes > 0));
  return (
    <PageDialog onClose={onClose} title="Start a campaign" size="lg">
      <form
        className="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (planHash !== undefined) start.mutate(planHash);
        }}
      >
        <NativeSelect
          label="Patch"
          value={wanted.patch}
          data={[{ value: '', label: 'choose one' }, ...(patches.data ?? []).flatMap(({ name }) => name ?? [])]}
          onChange={({ currentTarget }) => {
            setWanted({ ...wanted, patch: currentTarget.value });
          }}
        />
        <fieldset className="role-choices">
          <legend>Clusters, in the order in which they get their turn</legend>
          {withNodes.length === 0 && <NothingHere title="No cluster has nodes yet." />}
          {withNodes.map(({ cluster, nodes }) => {
            const turn = wanted.clusters.indexOf(cluster) + 1;
            return (
              <Checkbox
                key={cluster}
                size="xs"
                label={turn > 0 ? `${turn}. ${cluster}` : cluster}
                description={countWords(nodes, 'node')}
                checked={turn > 0}
                onChange={({ currentTarget }) => {
                  const others = wanted.clusters.filter((each) => each !== cluster);
                  setWanted({ ...wanted, clusters: currentTarget.checked ? [...others, cluster] : others });
                }}
              />
            );
          })}
        </fieldset>
        <div className="dialog-row">
          <TextInput
            label="Load orders at once"
            type="number"
            min={1}
            value={String(wanted.membersAtOnce)}
            onChange={({ currentTarget }) => {
              setWanted({ ...wanted, membersAtOnce: Math.max(1, Math.trunc(Number(currentTarget.value)) || 1) });
            }}
          />
          <Checkbox
            label="One that halts holds nobody"
            checked={wanted.goesOnAfterHalt}
            onChange={({ currentTarget }) => {
              setWanted({ ...wanted, goesOnAfterHalt: currentTarget.checked });
            }}
          />
        </div>
        {isWhole && <Awaited query={preview}>{({ members = [] }) => <Planned members={members} />}</Awaited>}
        <ProblemNote error={start.error} what="It was not started" />
        <div className="dialog-actions">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={planHash === undefined} loading={start.isPending}>
            Start exactly this
          </Button>
        </div>
      </form>
    </PageDialog>
  );
}

/** Shows what a campaign would do in each of its load orders, then begins exactly that. */
export function StartCampaign(): ReactElement {
  const session = useSession();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <ActionButton
        label="Start a campaign"
        icon="play"
        variant="filled"
        whyNot={whyNot(session, 'roll-out') ?? whyNot(session, 'order')}
        onClick={() => {
          setOpen(true);
        }}
      />
      {isOpen && (
        <Dialog
          onClose={() => {
            setOpen(false);
          }}
        />
      )}
    </>
  );
}
