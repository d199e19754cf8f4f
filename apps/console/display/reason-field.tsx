// SPDX-License-Identifier: GPL-2.0-only
import { Textarea } from '@mantine/core';
import type { ReactElement } from 'react';

export interface ReasonFieldProps {
  readonly reason: string;
  readonly onReason: (reason: string) => void;
  readonly isNeeded?: boolean;
}

/** Why somebody does something; first of what a dialog asks. */
export function ReasonField({ reason, onReason, isNeeded = false }: ReasonFieldProps): ReactElement {
  return (
    <Textarea
      label="Reason"
      description={isNeeded ? 'Needed; it is kept in the audit.' : 'It is kept in the audit.'}
      required={isNeeded}
      autosize
      minRows={2}
      maxLength={900}
      value={reason}
      data-autofocus
      onChange={({ currentTarget }) => {
        onReason(currentTarget.value);
      }}
    />
  );
}
