// SPDX-License-Identifier: GPL-2.0-only
import { Button, TextInput } from '@mantine/core';
import type { ReactElement } from 'react';
import { ProblemNote } from '../display/problem-note';

export interface FieldProps {
  readonly label: string;
  readonly description?: string;
  readonly value: string;
  readonly type?: 'text' | 'time' | 'number' | 'datetime-local';
  readonly isRequired?: boolean;
  /** Id of a list of what may be meant. */
  readonly list?: string;
  readonly onChange: (value: string) => void;
}

export function Field(props: FieldProps): ReactElement {
  const { label, description, value, type = 'text', isRequired = false, list, onChange } = props;
  return (
    <TextInput
      label={label}
      {...(description === undefined ? {} : { description })}
      {...(list === undefined ? {} : { list })}
      type={type}
      required={isRequired}
      value={value}
      onChange={({ currentTarget }) => {
        onChange(currentTarget.value);
      }}
    />
  );
}

export interface FormEndProps {
  readonly error: unknown;
  readonly what: string;
  readonly confirm: string;
  readonly isPending: boolean;
  readonly isDisabled: boolean;
  readonly onClose: () => void;
}

/** What went wrong, and the buttons. */
export function FormEnd({ error, what, confirm, isPending, isDisabled, onClose }: FormEndProps): ReactElement {
  return (
    <>
      <ProblemNote error={error} what={what} />
      <div className="dialog-actions">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" loading={isPending} disabled={isDisabled}>
          {confirm}
        </Button>
      </div>
    </>
  );
}
