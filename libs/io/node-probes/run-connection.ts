// SPDX-License-Identifier: GPL-2.0-only
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import type { Probe } from '@lockstep/domain/probes';
import { ended, type ProbeOutcome } from './probe-outcome';

/** The node itself has run out of something, which says nothing of what is probed. */
const ownTrouble: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EADDRNOTAVAIL']);

function failureOf(error: NodeJS.ErrnoException, signal: AbortSignal): ProbeOutcome {
  if (signal.aborted) return ended;
  const { code = '', message } = error;
  return { verdict: ownTrouble.has(code) ? 'error' : 'fail', message: message === '' ? code : message };
}

/** What it leads to is not followed, what it sends is not read. */
export function askHttp({ url }: Extract<Probe, { kind: 'http' }>, signal: AbortSignal): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const request = url.startsWith('https:') ? requestHttps : requestHttp;
    // Of a service of its own machine nobody else can stand in the way, and such certificates are rarely for 127.0.0.1.
    const options = { signal, agent: false as const, rejectUnauthorized: false, headers: { accept: '*/*' } };
    const asked = request(url, options, (answer) => {
      const { statusCode = 0 } = answer;
      answer.on('error', () => undefined).destroy();
      const isWell = statusCode >= 200 && statusCode < 400;
      resolve(isWell ? { verdict: 'pass', message: '' } : { verdict: 'fail', message: `status ${statusCode}` });
    });
    asked.on('error', (error) => {
      resolve(failureOf(error, signal));
    });
    asked.end();
  });
}

export function askTcp({ host, port }: Extract<Probe, { kind: 'tcp' }>, signal: AbortSignal): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: host.replace(/^\[|\]$/g, ''), port, signal });
    socket.on('connect', () => {
      socket.destroy();
      resolve({ verdict: 'pass', message: '' });
    });
    socket.on('error', (error) => {
      resolve(failureOf(error, signal));
    });
  });
}
