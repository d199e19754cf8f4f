// SPDX-License-Identifier: GPL-2.0-only
import { Modal } from '@mantine/core';
import { useEffect, useRef, type ReactElement, type ReactNode } from 'react';

export interface PageDialogProps {
  readonly title: string;
  readonly size?: 'lg';
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/**
 * A dialog over the page, for as long as it is there. Whoever closes it is where it was opened again: the library gives the
 * focus back only by a dialog that stays in the page, closed.
 */
export function PageDialog({ children, ...its }: PageDialogProps): ReactElement {
  const opener = useRef(document.activeElement);
  useEffect(() => {
    const from = opener.current;
    return () => {
      if (from instanceof HTMLElement && from.isConnected) from.focus({ preventScroll: true });
    };
  }, []);
  return (
    <Modal opened closeButtonProps={{ 'aria-label': 'Close' }} {...its}>
      {children}
    </Modal>
  );
}
