// SPDX-License-Identifier: GPL-2.0-only
import { Button, Checkbox } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { useNavigate } from 'react-router';
import { answerOf, api } from '../api/client';
import { asProblem } from '../api/problem';
import type { RolloutMessage, Schemas } from '../api/schemas';
import { ActionButton } from '../display/action-button';
import { Awaited } from '../display/awaited';
import { PageDialog } from '../display/page-dialog';
import { ProblemNote } from '../display/problem-note';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';
import { PlanShown } from './plan-shown';

type RollbackPlan = Schemas['PlanRollbackResponse'];
type Undone = Schemas['UndoneEntry'];

const nameOf = ({ patchName, seq = 0 }: Undone): string => `${patchName ?? ''} (${seq})`;

/** What would be retired, what of that stays in kernels until they boot, and what does not come back. */
function WhatIsUndone({ retires = [], staysOut = [] }: RollbackPlan): ReactElement {
  const kept = retires.filter(({ staysLoadedFor = [] }) => staysLoadedFor.length > 0);
  return (
    <>
      {retires.length === 0 && <p>All that it had loaded is retired already: what is left is to roll that out.</p>}
      {retires.map((entry) => (
        <p key={entry.seq}>
          retires <strong>{nameOf(entry)}</strong>
          {entry.unshipped === true && ', which nobody has been given: a rollback ships nothing new'}
        </p>
      ))}
      {kept.map((entry) => (
        <p key={entry.seq}>
          <strong>{nameOf(entry)}</strong> is disabled and not unloaded, its module stays until the host boots, for{' '}
          {(entry.staysLoadedFor ?? []).join(', ')}
        </p>
      ))}
      {staysOut.map((entry) => (
        <p key={entry.seq}>
          <strong>{nameOf(entry)}</strong>, which it had taken out, stays out
        </p>
      ))}
    </>
  );
}

interface DialogProps {
  readonly rollout: RolloutMessage;
  readonly onClose: () => void;
}

function Dialog({ rollout: { id = '', cluster, toSeq }, onClose }: DialogProps): ReactElement {
  const navigate = useNavigate();
  const [supersedes, setSupersedes] = useState(false);
  const preview = useQuery({
    queryKey: ['rollback-plan', id],
    queryFn: () => answerOf(api.POST('/v1/rollouts/rollbacks/plans', { body: { rollback: { id } } })),
    // What is confirmed is what was read.
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  const rollBack = useMutation({
    mutationFn: async (planHash: string) =>
      answerOf(
        api.POST('/v1/rollouts/{id}/rollback', {
          params: { path: { id } },
          body: { planHash, ...(supersedes ? { supersede: true } : {}) },
        }),
      ),
    onSuccess: async ({ rollout }) => {
      onClose();
      await navigate(`/rollouts/${rollout?.id ?? ''}`);
    },
  });
  const planHash = preview.data?.hash;
  const reason = rollBack.error === null ? '' : asProblem(rollBack.error).reason;
  return (
    <PageDialog onClose={onClose} title={`Roll back: ${cluster ?? ''} to ${toSeq ?? 0}`} size="lg">
      <form
        className="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (planHash !== undefined) rollBack.mutate(planHash);
        }}
      >
        <p>It goes forward, to a position that no longer holds what this rollout brought. Nothing has been done yet.</p>
        <Awaited query={preview}>
          {(known) => (
            <PlanShown shown={known}>
              <WhatIsUndone {...known} />
            </PlanShown>
          )}
        </Awaited>
        {(reason === 'rollout-running' || supersedes) && (
          <Checkbox
            label="End the other rollout of this load order"
            checked={supersedes}
            onChange={({ currentTarget }) => {
              setSupersedes(currentTarget.checked);
            }}
          />
        )}
        <ProblemNote error={rollBack.error} what="It was not rolled back" />
        <div className="dialog-actions">
          {reason === 'plan-changed' && (
            <Button
              variant="default"
              onClick={() => {
                rollBack.reset();
                preview.refetch().catch(() => undefined);
              }}
            >
              Look at the new plan
            </Button>
          )}
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" color="red" disabled={planHash === undefined} loading={rollBack.isPending}>
            Roll back exactly like this
          </Button>
        </div>
      </form>
    </PageDialog>
  );
}

/** Shows what rolling back would do, then does exactly that. */
export function RollBack({ rollout }: { readonly rollout: RolloutMessage }): ReactElement {
  const session = useSession();
  const [isOpen, setOpen] = useState(false);
  const { cluster } = rollout;
  return (
    <>
      <ActionButton
        label="Roll back"
        icon="back"
        // It retires entries, and rolls that out.
        whyNot={whyNot(session, 'roll-out', cluster) ?? whyNot(session, 'order', cluster)}
        onClick={() => {
          setOpen(true);
        }}
      />
      {isOpen && (
        <Dialog
          rollout={rollout}
          onClose={() => {
            setOpen(false);
          }}
        />
      )}
    </>
  );
}
