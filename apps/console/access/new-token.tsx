// SPDX-License-Identifier: GPL-2.0-only
import { Button, Checkbox, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { answerOf, api } from '../api/client';
import { ActionButton } from '../display/action-button';
import { PageDialog } from '../display/page-dialog';
import { ProblemNote } from '../display/problem-note';
import { roles, roleWord, roleWords, type Role } from './roles';

const secretBytes = 32;
const secondsADay = 86_400;

/** Made here: the control plane is told its digest alone. */
function newSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(secretBytes));
  const base64 = btoa(String.fromCharCode(...bytes));
  return `lockstep_${base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
}

async function digestOf(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

interface Wanted {
  readonly name: string;
  readonly owner: string;
  readonly roles: readonly Role[];
  readonly clusters: string;
  readonly selector: string;
  readonly days: string;
}

async function create({ name, owner, roles: given, clusters, selector, days }: Wanted): Promise<string> {
  const secret = newSecret();
  const named = clusters.split(/[\s,]+/).filter((cluster) => cluster !== '');
  const scope = { ...(named.length === 0 ? { everywhere: true } : { clusters: named }), selector };
  const ttlSeconds = Math.max(0, Math.trunc(Number(days)) || 0) * secondsADay;
  const about = { name, owner, ownerKind: 'OWNER_KIND_PERSON', scope, ttlSeconds } as const;
  await answerOf(
    api.POST('/v1/access/tokens', { body: { ...about, roles: [...given], secretSha256: await digestOf(secret) } }),
  );
  return secret;
}

function Made({ secret, onClose }: { readonly secret: string; readonly onClose: () => void }): ReactElement {
  return (
    <div className="dialog-form">
      <p>This is the token. It is shown now and never again: nobody keeps it.</p>
      <pre className="kernel-line" tabIndex={0} aria-label="The new token">
        {secret}
      </pre>
      <div className="dialog-actions">
        <Button
          variant="default"
          onClick={() => {
            navigator.clipboard.writeText(secret).catch(() => undefined);
          }}
        >
          Copy
        </Button>
        <Button onClick={onClose}>Done</Button>
      </div>
    </div>
  );
}

function Form({ onMade }: { readonly onMade: (secret: string) => void }): ReactElement {
  const client = useQueryClient();
  const [wanted, setWanted] = useState<Wanted>({
    name: '',
    owner: '',
    roles: ['ROLE_VIEWER'],
    clusters: '',
    selector: '',
    days: '90',
  });
  const { mutate, isPending, error } = useMutation({
    mutationFn: create,
    onSuccess: async (secret) => {
      onMade(secret);
      await client.invalidateQueries({ queryKey: ['tokens'] });
    },
  });
  const text = (key: 'name' | 'owner' | 'clusters' | 'selector' | 'days', label: string, description?: string) => (
    <TextInput
      label={label}
      {...(description === undefined ? {} : { description })}
      value={wanted[key]}
      onChange={({ currentTarget }) => {
        setWanted({ ...wanted, [key]: currentTarget.value });
      }}
    />
  );
  return (
    <form
      className="dialog-form"
      onSubmit={(event) => {
        event.preventDefault();
        mutate(wanted);
      }}
    >
      {text('name', 'Name of the token')}
      {text('owner', 'Owner', 'The person who is to have it.')}
      <fieldset className="role-choices">
        <legend>Roles</legend>
        {roles.map((role) => (
          <Checkbox
            key={role}
            size="xs"
            label={roleWord(role)}
            description={roleWords[role]}
            checked={wanted.roles.includes(role)}
            onChange={({ currentTarget }) => {
              const others = wanted.roles.filter((each) => each !== role);
              setWanted({ ...wanted, roles: currentTarget.checked ? [...others, role] : others });
            }}
          />
        ))}
      </fieldset>
      {text('clusters', 'Clusters', 'Empty: everywhere.')}
      {text(
        'selector',
        'Nodes',
        'By their labels, as env=staging. Empty: all, and what is decided for a whole cluster.',
      )}
      {text('days', 'Days until it expires')}
      <ProblemNote error={error} what="No token was made" />
      <div className="dialog-actions">
        <Button
          type="submit"
          loading={isPending}
          disabled={wanted.name === '' || wanted.owner === '' || wanted.roles.length === 0}
        >
          Make it
        </Button>
      </div>
    </form>
  );
}

/** Makes a token whose secret nobody but the reader ever sees. */
export function NewToken({ whyNot }: { readonly whyNot: string | undefined }): ReactElement {
  const [isOpen, setOpen] = useState(false);
  const [secret, setSecret] = useState('');
  const close = (): void => {
    setOpen(false);
    setSecret('');
  };
  return (
    <>
      <ActionButton
        label="Make a token"
        icon="plus"
        variant="filled"
        whyNot={whyNot}
        onClick={() => {
          setOpen(true);
        }}
      />
      {isOpen && (
        <PageDialog onClose={close} title="Make a token">
          {secret === '' ? <Form onMade={setSecret} /> : <Made secret={secret} onClose={close} />}
        </PageDialog>
      )}
    </>
  );
}
