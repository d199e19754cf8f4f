// SPDX-License-Identifier: GPL-2.0-only
import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import type { ReactElement } from 'react';
import { Icon } from '../display/icon';

export function ColorSchemeSwitch(): ReactElement {
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme('light') === 'dark';
  const other = isDark ? 'light' : 'dark';
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={`Use ${other} colours`}
      title={`Use ${other} colours`}
      onClick={() => {
        setColorScheme(other);
      }}
    >
      <Icon name={other} />
    </button>
  );
}
