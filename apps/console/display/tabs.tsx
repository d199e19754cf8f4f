// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';

export interface TabChoice<Id extends string> {
  readonly id: Id;
  readonly name: string;
}

export interface TabsProps<Id extends string> {
  readonly label: string;
  readonly choices: readonly TabChoice<Id>[];
  readonly chosen: Id;
  readonly onChoose: (id: Id) => void;
}

/** Which of several views of the same is shown: buttons, so that they are reached one by one. */
export function Tabs<Id extends string>({ label, choices, chosen, onChoose }: TabsProps<Id>): ReactElement {
  return (
    <div className="tabs" role="group" aria-label={label}>
      {choices.map(({ id, name }) => (
        <button
          key={id}
          type="button"
          aria-pressed={id === chosen}
          onClick={() => {
            onChoose(id);
          }}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
