// SPDX-License-Identifier: GPL-2.0-only
import { Button, Modal, NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { useNavigate } from 'react-router';
import { answerOf, api } from '../api/client';
import type { Schemas } from '../api/schemas';
import type { ClusterCensus } from '../clusters/census';
import { ActionButton } from '../display/action-button';
import { Awaited } from '../display/awaited';
import { ProblemNote } from '../display/problem-note';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';
import { PlanShown } from './plan-shown';

interface Wanted {
  readonly cluster: string;
  readonly kernelBuildId: string;
  readonly canaries: number;
  readonly waveSize: number;
  readonly bakeSeconds: number;
}

const plan = ({ bakeSeconds, ...wanted }: Wanted): Promise<Schemas['PlanRolloutResponse']> =>
  answerOf(api.POST('/v1/rollouts/plans', { body: { rollout: { ...wanted, rules: { bakeSeconds } } } }));

interface DialogProps {
  readonly clusters: readonly ClusterCensus[];
  readonly onClose: () => void;
}

const whole = (text: string): number => Math.max(0, Math.trunc(Number(text)) || 0);

function Dialog({ clusters, onClose }: DialogProps): ReactElement {
  const navigate = useNavigate();
  const orders = clusters.flatMap(({ cluster, orders: some }) =>
    some.filter(({ headSeq }) => headSeq > 0).map((order) => ({ cluster, ...order })),
  );
  const [chosen, setChosen] = useState('0');
  const [canaries, setCanaries] = useState('1');
  const [waveSize, setWaveSize] = useState('0');
  const [bakeSeconds, setBakeSeconds] = useState('0');
  const { cluster = '', kernelBuildId = '' } = orders[Number(chosen)] ?? {};
  const wanted = {
    cluster,
    kernelBuildId,
    canaries: whole(canaries),
    waveSize: whole(waveSize),
    bakeSeconds: whole(bakeSeconds),
  };
  const preview = useQuery({ queryKey: ['plan', wanted], queryFn: () => plan(wanted), enabled: cluster !== '' });
  const start = useMutation({
    mutationFn: async (planHash: string) =>
      answerOf(api.POST('/v1/clusters/{cluster}/rollouts', { params: { path: { cluster } }, body: { planHash } })),
    onSuccess: async ({ rollout }) => navigate(`/rollouts/${rollout?.id ?? ''}`),
  });
  const planHash = preview.data?.hash;
  return (
    <Modal opened onClose={onClose} title="Start a rollout" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        className="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (planHash !== undefined) start.mutate(planHash);
        }}
      >
        <NativeSelect
          label="To the head of"
          value={chosen}
          data={orders.map((order, index) => ({
            value: String(index),
            label: `${order.cluster} · ${order.kernelRelease || order.kernelBuildId.slice(0, 12)} · head ${order.headSeq}`,
          }))}
          onChange={({ currentTarget }) => {
            setChosen(currentTarget.value);
          }}
        />
        <div className="dialog-row">
          {(
            [
              ['Canaries', canaries, setCanaries],
              ['Nodes in a wave (0: a tenth)', waveSize, setWaveSize],
              ['Bake, seconds', bakeSeconds, setBakeSeconds],
            ] as const
          ).map(([label, value, set]) => (
            <TextInput
              key={label}
              label={label}
              type="number"
              min={0}
              value={value}
              onChange={({ currentTarget }) => {
                set(currentTarget.value);
              }}
            />
          ))}
        </div>
        <Awaited query={preview}>{(known) => <PlanShown shown={known} />}</Awaited>
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
    </Modal>
  );
}

/** Shows what a rollout would do, then begins exactly that. */
export function StartRollout({ clusters }: { readonly clusters: readonly ClusterCensus[] }): ReactElement {
  const session = useSession();
  const [isOpen, setOpen] = useState(false);
  const isEmpty = clusters.every(({ orders }) => orders.every(({ headSeq }) => headSeq === 0));
  return (
    <>
      <ActionButton
        label="Start a rollout"
        icon="play"
        variant="filled"
        whyNot={
          whyNot(session, 'roll-out') ?? (isEmpty ? 'No load order has an entry yet: append a patch first.' : undefined)
        }
        onClick={() => {
          setOpen(true);
        }}
      />
      {isOpen && (
        <Dialog
          clusters={clusters}
          onClose={() => {
            setOpen(false);
          }}
        />
      )}
    </>
  );
}
