// SPDX-License-Identifier: GPL-2.0-only
import { Button, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { useNavigate } from 'react-router';
import { answerOf, api } from '../api/client';
import type { Verb } from '../api/schemas';
import type { ClusterCensus } from '../clusters/census';
import { ActionButton } from '../display/action-button';
import { Awaited } from '../display/awaited';
import type { IconName } from '../display/icon';
import { PageDialog } from '../display/page-dialog';
import { ProblemNote } from '../display/problem-note';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';
import { PlanShown } from './plan-shown';
import { nothingWanted, planRequestOf, type WantedRollout } from './wanted-rollout';

interface DialogProps {
  readonly clusters: readonly ClusterCensus[];
  readonly isEmergency: boolean;
  readonly onClose: () => void;
}

interface FieldProps {
  readonly wanted: WantedRollout;
  readonly set: (changes: Partial<WantedRollout>) => void;
}

const usual = [
  ['canaries', 'Canaries'],
  ['waveSize', 'Nodes in a wave (0: a tenth)'],
  ['bakeSeconds', 'Bake, seconds'],
] as const;

/** What any rollout has. */
function UsualRules({ wanted, set }: FieldProps): ReactElement {
  return (
    <div className="dialog-row">
      {usual.map(([key, label]) => (
        <TextInput
          key={key}
          label={label}
          type="number"
          min={0}
          value={wanted[key]}
          onChange={({ currentTarget }) => {
            set({ [key]: currentTarget.value });
          }}
        />
      ))}
    </div>
  );
}

/** Who goes first, how many of a failure domain go at once, and what has to be well meanwhile. */
function FurtherRules({ wanted, set }: FieldProps): ReactElement {
  const text = (key: 'canarySelector' | 'spreadLabel' | 'spreadAtMost', label: string, placeholder: string) => (
    <TextInput
      label={label}
      placeholder={placeholder}
      value={wanted[key]}
      onChange={({ currentTarget }) => {
        set({ [key]: currentTarget.value });
      }}
    />
  );
  const lines = (key: 'probes' | 'gates', label: string, description: string) => (
    <Textarea
      label={label}
      description={description}
      autosize
      minRows={1}
      value={wanted[key]}
      onChange={({ currentTarget }) => {
        set({ [key]: currentTarget.value });
      }}
    />
  );
  return (
    <details className="further">
      <summary>Canaries by label, failure domains, probes, metric gates</summary>
      <div className="dialog-form">
        <div className="dialog-row">
          {text('canarySelector', 'Canaries are nodes with', 'tier=test')}
          {text('spreadLabel', 'Failure domains by the label', 'zone')}
          {text('spreadAtMost', 'At once of each', '1 or 10%')}
        </div>
        {!wanted.isEmergency && (
          <>
            {lines('probes', 'Probes', 'One a line: http=URL, tcp=HOST:PORT of the node itself, or command=NAME.')}
            {lines('gates', 'Metric gates', 'One a line: [NAME=]PROMQL <= NUMBER.')}
          </>
        )}
      </div>
    </details>
  );
}

/** Everybody is told why. */
function Reason({ wanted, set }: FieldProps): ReactElement {
  return (
    <>
      <p>
        Windows, approvals and bake times hold nobody for three hours: it goes in five fast waves. Everybody is told,
        and asked to confirm it afterwards.
      </p>
      <Textarea
        label="Why it cannot wait"
        required
        autosize
        minRows={2}
        maxLength={900}
        value={wanted.reason}
        onChange={({ currentTarget }) => {
          set({ reason: currentTarget.value });
        }}
      />
    </>
  );
}

async function begin({ cluster, isEmergency, reason }: WantedRollout, planHash: string): Promise<string> {
  const params = { path: { cluster } };
  const { rollout } = isEmergency
    ? await answerOf(api.POST('/v1/clusters/{cluster}/emergencies', { params, body: { planHash, reason } }))
    : await answerOf(api.POST('/v1/clusters/{cluster}/rollouts', { params, body: { planHash } }));
  return rollout?.id ?? '';
}

function Dialog({ clusters, isEmergency, onClose }: DialogProps): ReactElement {
  const navigate = useNavigate();
  const orders = clusters.flatMap(({ cluster, orders: some }) =>
    some.filter(({ headSeq }) => headSeq > 0).map((order) => ({ cluster, ...order })),
  );
  const [chosen, setChosen] = useState('0');
  const [rules, setRules] = useState({ ...nothingWanted, isEmergency });
  const { cluster = '', kernelBuildId = '' } = orders[Number(chosen)] ?? {};
  const wanted: WantedRollout = { ...rules, cluster, kernelBuildId };
  const set = (changes: Partial<WantedRollout>): void => {
    setRules({ ...rules, ...changes });
  };
  const asked = planRequestOf(wanted);
  const preview = useQuery({
    queryKey: ['plan', asked],
    queryFn: () => answerOf(api.POST('/v1/rollouts/plans', { body: asked })),
    enabled: cluster !== '',
  });
  const start = useMutation({
    mutationFn: (planHash: string) => begin(wanted, planHash),
    onSuccess: (id) => navigate(`/rollouts/${id}`),
  });
  const planHash = preview.data?.hash;
  const isUnexplained = isEmergency && wanted.reason.trim() === '';
  return (
    <PageDialog onClose={onClose} title={isEmergency ? 'Break the glass' : 'Start a rollout'} size="lg">
      <form
        className="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (planHash !== undefined && !isUnexplained) start.mutate(planHash);
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
        {isEmergency ? <Reason wanted={wanted} set={set} /> : <UsualRules wanted={wanted} set={set} />}
        <FurtherRules wanted={wanted} set={set} />
        <Awaited query={preview}>{(known) => <PlanShown shown={known} />}</Awaited>
        <ProblemNote error={start.error} what="It was not started" />
        <div className="dialog-actions">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            disabled={planHash === undefined || isUnexplained}
            loading={start.isPending}
            {...(isEmergency ? { color: 'red' } : {})}
          >
            {isEmergency ? 'Break the glass for exactly this' : 'Start exactly this'}
          </Button>
        </div>
      </form>
    </PageDialog>
  );
}

interface Begun {
  readonly label: string;
  readonly icon: IconName;
  readonly verb: Verb;
}

const ways: readonly (Begun & { readonly isEmergency: boolean })[] = [
  { label: 'Break the glass', icon: 'warning', verb: 'break-glass', isEmergency: true },
  { label: 'Start a rollout', icon: 'play', verb: 'roll-out', isEmergency: false },
];

/** Shows what a rollout, or an emergency, would do, then begins exactly that. */
export function StartRollout({ clusters }: { readonly clusters: readonly ClusterCensus[] | undefined }): ReactElement {
  const session = useSession();
  const [open, setOpen] = useState<'rollout' | 'emergency'>();
  const isEmpty = (clusters ?? []).every(({ orders }) => orders.every(({ headSeq }) => headSeq === 0));
  const senseless = isEmpty ? 'No load order has an entry yet: append a patch first.' : undefined;
  return (
    <>
      {ways.map(({ label, icon, verb, isEmergency }) => (
        <ActionButton
          key={verb}
          label={label}
          icon={icon}
          {...(isEmergency ? {} : { variant: 'filled' as const })}
          whyNot={whyNot(session, verb) ?? (clusters === undefined ? undefined : senseless)}
          isBusy={clusters === undefined && whyNot(session, verb) === undefined}
          onClick={() => {
            setOpen(isEmergency ? 'emergency' : 'rollout');
          }}
        />
      ))}
      {open !== undefined && (
        <Dialog
          clusters={clusters ?? []}
          isEmergency={open === 'emergency'}
          onClose={() => {
            setOpen(undefined);
          }}
        />
      )}
    </>
  );
}
