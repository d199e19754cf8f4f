// SPDX-License-Identifier: GPL-2.0-only
import { createTheme } from '@mantine/core';

/** What each shade is stands in tokens.css, which knows both colour schemes; Mantine wants ten of them by name. */
const iris = [
  ...(['#f3f2fe', '#ecebfb', '#d5d1f7', '#b9b2f2', '#9d93ec'] as const),
  ...(['#8173e5', '#6a5ade', '#5746d6', '#4a39c7', '#3d2eae'] as const),
] as const;

export const theme = createTheme({
  primaryColor: 'iris',
  colors: { iris },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'xs' } },
    TextInput: { defaultProps: { size: 'xs' } },
    PasswordInput: { defaultProps: { size: 'sm' } },
    NativeSelect: { defaultProps: { size: 'xs' } },
    Textarea: { defaultProps: { size: 'sm' } },
    // Locking the page's scrolling writes a style element, which the control plane's policy forbids.
    Modal: { defaultProps: { lockScroll: false, centered: true, transitionProps: { duration: 120 } } },
    Tooltip: { defaultProps: { openDelay: 200, multiline: true, maw: 320, withArrow: true } },
  },
});
