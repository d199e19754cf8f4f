// SPDX-License-Identifier: GPL-2.0-only
import { visibleJson } from '@lockstep/domain/visible-text';
import { pino, type DestinationStream, type Logger } from 'pino';

/** JSON lines on stdout, written at once: the last words of a process that ends are there too. */
export function createServiceLog(
  name: string,
  out: DestinationStream = pino.destination({ fd: 1, sync: true }),
): Logger {
  // pino escapes C0 as JSON must; C1 and the marks of direction it leaves as they are.
  return pino(
    { name },
    {
      write: (line) => {
        out.write(visibleJson(line));
      },
    },
  );
}
