// SPDX-License-Identifier: GPL-2.0-only
import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { useNavigate } from 'react-router';
import { answerOf, api } from '../api/client';
import type { Schemas, Verb } from '../api/schemas';
import { ActionButton } from '../display/action-button';
import { ProblemNote } from '../display/problem-note';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';

export interface ConflictedDraft {
  readonly cluster: string;
  readonly kernelBuildId: string;
  readonly patch: string;
  /** Seq of the top of the stack. */
  readonly top: number;
  readonly judged: Schemas['CheckConflictsResponse'];
  readonly onDone: () => void;
}

const unique = (names: readonly (string | undefined)[]): string[] => [...new Set(names.flatMap((name) => name ?? []))];

/** The one it is appended with, over what it may shadow. */
export function useAppend({ cluster, kernelBuildId, patch, judged, onDone }: ConflictedDraft) {
  const client = useQueryClient();
  const overrides = unique((judged.conflicts ?? []).map(({ ownerSeq }) => String(ownerSeq ?? '')));
  const { buildId = '' } = judged;
  return useMutation({
    mutationFn: async () => {
      const body = { patch, kernelBuildId, overrides, buildId };
      await answerOf(api.POST('/v1/clusters/{cluster}/order/loads', { params: { path: { cluster } }, body }));
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['order'] });
      onDone();
    },
  });
}

/** Builds it again over the stack, so that it contains what it would have taken. */
function Stack(way: ConflictedDraft): ReactElement {
  const { cluster, kernelBuildId, patch, top } = way;
  const navigate = useNavigate();
  const session = useSession();
  const { mutate, isPending, error } = useMutation({
    mutationFn: async () => {
      const { diff = '', patch: known = {} } = await answerOf(
        api.GET('/v1/patches/{patch}', { params: { path: { patch } } }),
      );
      const { name = patch, description = '', author = '', cves = [] } = known;
      const onto = { cluster, kernelBuildId, seq: top };
      await answerOf(api.POST('/v1/patches', { body: { name, diff, description, author, cves, onto } }));
    },
    onSuccess: () => navigate(`/patches/${encodeURIComponent(patch)}`),
  });
  return (
    <>
      <ActionButton
        label={`Build it onto ${top}`}
        whyNot={whyNot(session, 'build')}
        isBusy={isPending}
        onClick={() => {
          mutate();
        }}
      />
      <ProblemNote error={error} what="It is not built" />
    </>
  );
}

function Override(way: ConflictedDraft): ReactElement {
  const session = useSession();
  const { mutate, isPending, error } = useAppend(way);
  return (
    <>
      <ActionButton
        label="Append it over them"
        whyNot={whyNot(session, 'order', way.cluster)}
        isBusy={isPending}
        onClick={() => {
          mutate();
        }}
      />
      <ProblemNote error={error} what="It was not appended" />
    </>
  );
}

function Combine({ patch, judged }: ConflictedDraft): ReactElement {
  const session = useSession();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const patches = [...unique((judged.conflicts ?? []).map(({ ownerPatchName }) => ownerPatchName)), patch];
  const { mutate, isPending, error } = useMutation({
    mutationFn: async () => {
      await answerOf(api.POST('/v1/patches/combined', { body: { name, patches } }));
    },
    onSuccess: () => navigate(`/patches/${encodeURIComponent(name)}`),
  });
  const forbidden = whyNot(session, 'build');
  return (
    <form
      className="way-form"
      onSubmit={(event) => {
        event.preventDefault();
        mutate();
      }}
    >
      <TextInput
        aria-label="Name of the combined patch"
        placeholder="name of the combined patch"
        value={name}
        onChange={({ currentTarget }) => {
          setName(currentTarget.value);
        }}
      />
      <Button
        type="submit"
        variant="default"
        loading={isPending}
        disabled={name === '' || forbidden !== undefined}
        title={forbidden}
      >
        Combine
      </Button>
      <ProblemNote error={error} what="They are not combined" />
    </form>
  );
}

interface Way {
  readonly title: string;
  readonly verb: Verb;
  readonly Act: (way: ConflictedDraft) => ReactElement;
}

const ways: Readonly<Record<string, Way>> = {
  stack: { title: 'Stack', verb: 'build', Act: Stack },
  override: { title: 'Override', verb: 'order', Act: Override },
  combine: { title: 'Combine', verb: 'build', Act: Combine },
};

/** What can be done about a conflict, best first. */
export function WaysOut(conflicted: ConflictedDraft): ReactElement {
  return (
    <ol className="ways">
      {(conflicted.judged.waysOut ?? []).map(({ kind = '', explanation, command }, index) => {
        const way = ways[kind];
        return (
          <li key={kind} className="way">
            <h3>
              {index + 1}. {way?.title ?? kind}
            </h3>
            <p>It {explanation}.</p>
            <pre className="kernel-line">{command}</pre>
            {way !== undefined && <way.Act {...conflicted} />}
          </li>
        );
      })}
    </ol>
  );
}
