// SPDX-License-Identifier: GPL-2.0-only
import { Button, Tooltip, type ButtonProps } from '@mantine/core';
import type { ReactElement } from 'react';
import { Icon, type IconName } from './icon';

export interface ActionButtonProps {
  readonly label: string;
  /** Where the label alone does not say what it is about. */
  readonly name?: string;
  readonly icon?: IconName;
  /** Why it cannot be done, for people; undefined where it can. */
  readonly whyNot?: string | undefined;
  readonly onClick: () => void;
  readonly variant?: ButtonProps['variant'];
  readonly color?: string;
  readonly isBusy?: boolean;
}

/** Something to do. What may not be done stays where it is, can be reached, and says why. */
export function ActionButton(props: ActionButtonProps): ReactElement {
  const { label, name, icon, whyNot, onClick, variant = 'default', color, isBusy = false } = props;
  const button = (
    <Button
      variant={variant}
      {...(color === undefined ? {} : { color })}
      {...(icon === undefined ? {} : { leftSection: <Icon name={icon} size={14} /> })}
      loading={isBusy}
      {...(isBusy ? { 'aria-busy': true } : {})}
      {...(name === undefined ? {} : { 'aria-label': name })}
      // Not `disabled`: whoever comes by keyboard is to hear the reason.
      {...(whyNot === undefined ? { onClick } : { 'data-disabled': true, 'aria-disabled': true })}
      {...(whyNot === undefined ? {} : { 'aria-description': whyNot })}
    >
      {label}
    </Button>
  );
  return whyNot === undefined ? button : <Tooltip label={whyNot}>{button}</Tooltip>;
}
