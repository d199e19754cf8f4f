// SPDX-License-Identifier: GPL-2.0-only
import { Button, FileInput, Textarea, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { useNavigate } from 'react-router';
import { answerOf, api } from '../api/client';
import { ActionButton } from '../display/action-button';
import { PageDialog } from '../display/page-dialog';
import { ProblemNote } from '../display/problem-note';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';
import { base64Of } from './diff-bytes';

interface Wanted {
  readonly name: string;
  readonly description: string;
  readonly author: string;
  readonly cves: string;
  readonly pasted: string;
}

async function submit({ name, description, author, cves, pasted }: Wanted, file: File | null): Promise<string> {
  // As it is in the file: a diff is bytes, and need not be UTF-8.
  const bytes = file === null ? new TextEncoder().encode(pasted) : new Uint8Array(await file.arrayBuffer());
  const named = cves.split(/[\s,]+/).filter((cve) => cve !== '');
  const body = { name, description, author, cves: named, diff: base64Of(bytes) };
  const { patch } = await answerOf(api.POST('/v1/patches', { body }));
  return patch?.name ?? name;
}

function Form({ onClose }: { readonly onClose: () => void }): ReactElement {
  const navigate = useNavigate();
  const { identity } = useSession();
  const [wanted, setWanted] = useState<Wanted>({
    ...{ name: '', description: '', cves: '', pasted: '' },
    author: identity.name,
  });
  const [file, setFile] = useState<File | null>(null);
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => submit(wanted, file),
    onSuccess: async (name) => {
      onClose();
      await navigate(`/patches/${encodeURIComponent(name)}`);
    },
  });
  const text = (key: 'name' | 'description' | 'author' | 'cves', label: string, description?: string) => (
    <TextInput
      label={label}
      {...(description === undefined ? {} : { description })}
      required={key === 'name'}
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
        mutate();
      }}
    >
      <FileInput
        label="Diff"
        description="A unified diff, as git makes it."
        placeholder="Choose a file"
        accept=".patch,.diff,text/x-diff,text/plain"
        clearable
        clearButtonProps={{ 'aria-label': 'Take the file away' }}
        value={file}
        onChange={(chosen) => {
          setFile(chosen);
          if (chosen !== null && wanted.name === '') {
            setWanted({ ...wanted, name: chosen.name.replace(/\.(patch|diff)$/, '') });
          }
        }}
      />
      {file === null && (
        <Textarea
          label="Or paste it"
          className="pasted-diff"
          minRows={5}
          maxRows={14}
          autosize
          spellCheck={false}
          value={wanted.pasted}
          onChange={({ currentTarget }) => {
            setWanted({ ...wanted, pasted: currentTarget.value });
          }}
        />
      )}
      {text('name', 'Name')}
      {text('description', 'What it does')}
      {text('author', 'Author')}
      {text('cves', 'CVEs', 'That it fixes, as CVE-2024-1086.')}
      <ProblemNote error={error} what="It was not submitted" />
      <div className="dialog-actions">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button
          type="submit"
          loading={isPending}
          disabled={wanted.name === '' || (file === null && wanted.pasted === '')}
        >
          Submit and build
        </Button>
      </div>
    </form>
  );
}

/** Hands a diff in, which is built for every kernel that is registered. */
export function SubmitPatch(): ReactElement {
  const session = useSession();
  const [isOpen, setOpen] = useState(false);
  const close = (): void => {
    setOpen(false);
  };
  return (
    <>
      <ActionButton
        label="Submit a diff"
        icon="plus"
        variant="filled"
        whyNot={whyNot(session, 'build')}
        onClick={() => {
          setOpen(true);
        }}
      />
      {isOpen && (
        <PageDialog onClose={close} title="Submit a diff" size="lg">
          <Form onClose={close} />
        </PageDialog>
      )}
    </>
  );
}
