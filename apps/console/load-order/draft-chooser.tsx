// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import type { PatchMessage } from '../api/schemas';
import { Icon } from '../display/icon';

/** So many stand side by side; the others are found on their own page. */
const mostShown = 12;

export const draftType = 'application/x-lockstep-patch';

export interface DraftChooserProps {
  readonly patches: readonly PatchMessage[];
  /** Of the stack: they lie there already. */
  readonly held: ReadonlySet<string>;
  readonly chosen: string;
  readonly onChoose: (patch: string) => void;
}

/** Patches that are in no layer: chosen, or dragged onto the picture, they show what they would do. */
export function DraftChooser({ patches, held, chosen, onChoose }: DraftChooserProps): ReactElement | null {
  const drafts = patches
    .flatMap(({ name }) => (name === undefined || held.has(name) ? [] : [name]))
    .slice(0, mostShown);
  if (drafts.length === 0) return null;
  return (
    <div className="drafts" role="group" aria-label="Patches that are not in this load order">
      <span className="dim">Try a patch on it:</span>
      {drafts.map((name) => (
        <button
          key={name}
          type="button"
          className="draft"
          draggable
          aria-pressed={name === chosen}
          onClick={() => {
            onChoose(name === chosen ? '' : name);
          }}
          onDragStart={({ dataTransfer }) => {
            dataTransfer.setData(draftType, name);
            dataTransfer.effectAllowed = 'copy';
          }}
        >
          <Icon name={name === chosen ? 'cross' : 'plus'} size={12} />
          {name}
        </button>
      ))}
    </div>
  );
}
