// SPDX-License-Identifier: GPL-2.0-only
import { useMutation } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import type { Session } from '../api/schemas';
import { Icon } from '../display/icon';
import { roleWord } from '../access/roles';
import { signOut } from '../session/session';

/** Whom the control plane takes the reader for, and the way out. */
export function SignedIn({ session: { identity } }: { readonly session: Session }): ReactElement {
  const { mutate, isPending } = useMutation({ mutationFn: signOut });
  const clusters = identity.everywhere ? 'everywhere' : `in ${identity.clusters.join(', ')}`;
  const where = identity.selector === '' ? clusters : `${clusters} (${identity.selector})`;
  return (
    <div className="signed-in">
      <div className="signed-in-words" title={`${identity.roles.map(roleWord).join(', ')} ${where}`}>
        <strong>{identity.name}</strong>
        <span className="dim">
          {identity.roles.map(roleWord).join(', ')} {where}
        </span>
      </div>
      <button
        type="button"
        className="icon-button"
        aria-label="Sign out"
        title="Sign out"
        disabled={isPending}
        onClick={() => {
          mutate();
        }}
      >
        <Icon name="leave" />
      </button>
    </div>
  );
}
