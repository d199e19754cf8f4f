// SPDX-License-Identifier: GPL-2.0-only
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactElement, type ReactNode } from 'react';
import { PageDialog } from './page-dialog';
import { ProblemNote } from './problem-note';
import { ReasonField } from './reason-field';

export interface ReasonDialogProps {
  /** "Pause this rollout" */
  readonly title: string;
  /** What comes of it. */
  readonly children: ReactNode;
  readonly confirm: string;
  readonly isDangerous?: boolean;
  readonly needsReason?: boolean;
  readonly act: (reason: string) => Promise<void>;
  readonly onClose: () => void;
}

/** Asks why before something is done; what fails says so here, and nothing that was typed is lost. */
export function ReasonDialog(props: ReasonDialogProps): ReactElement {
  const { title, children, confirm, isDangerous = false, needsReason = false, act, onClose } = props;
  const [reason, setReason] = useState('');
  const { mutate, isPending, error } = useMutation({ mutationFn: act, onSuccess: onClose });
  const isMissing = needsReason && reason.trim() === '';
  return (
    <PageDialog onClose={onClose} title={title}>
      <form
        className="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isMissing) mutate(reason.trim());
        }}
      >
        <div>{children}</div>
        <ReasonField reason={reason} onReason={setReason} isNeeded={needsReason} />
        <ProblemNote error={error} what="Nothing was done" />
        <div className="dialog-actions">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={isPending} disabled={isMissing} {...(isDangerous ? { color: 'red' } : {})}>
            {confirm}
          </Button>
        </div>
      </form>
    </PageDialog>
  );
}
