// SPDX-License-Identifier: GPL-2.0-only
import { constants } from 'node:crypto';
import { createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  createServer as createTlsServer,
  type PeerCertificate,
  type Server as TlsServer,
  type TLSSocket,
} from 'node:tls';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import type { Logger } from 'pino';
import { AnswersDue } from './answers-due';
import { FewATurn } from './few-a-turn';
import { Pace } from './pace';
import { Turns } from './turns';

/** PEM. */
export interface ServerCertificate {
  readonly privateKeyPem: string;
  readonly certificateChainPem: string;
}

/** What is known of the other end of a connection. */
export interface Peer {
  /** DER of its certificate; undefined: it has shown none. */
  readonly certificate: Buffer | undefined;
  /** Why its chain does not verify, in OpenSSL's word (`CERT_HAS_EXPIRED`); undefined: it does. */
  readonly fault: string | undefined;
  /** It has shown its certificate by too many connections already. */
  readonly isOneTooMany: boolean;
}

/** What a port takes from whom it does not know yet. */
export interface FrontLimits {
  readonly mostConnections: number;
  /**
   * Connections whose TLS does not stand yet: most of them wait for their turn, which costs no more than a socket. Of one
   * address half of them: others are to get in beside it.
   */
  readonly mostHandshakes: number;
  /** Handshakes that have begun: of more, the one that takes longest goes. */
  readonly mostUnderWay: number;
  readonly mostFromOneAddress: number;
  /** With one certificate: more have calls by them refused. */
  readonly mostOfOneCertificate: number;
}

/** Which of them somebody has met. */
export type FrontLimit = 'connections' | 'handshakes' | 'silent-connections';

export interface TlsFrontOptions {
  readonly host: string;
  readonly port: number;
  /** The variable that sets the port. */
  readonly variable: string;
  /** Clients are asked for a certificate of these authorities (PEM). One that they lack, or that is no good, is no end yet: who decides says why. */
  readonly clientCa: string | undefined;
  readonly limits: FrontLimits;
  readonly log: Logger;
  /** Takes a connection whose TLS stands. */
  readonly take: (connection: Duplex, peer: Peer) => void;
  readonly onLimited?: (limit: FrontLimit) => void;
  /** In ms; shorter in tests. */
  readonly knownWithinMs?: number;
  readonly strangerWithinMs?: number;
  /** Fewer in tests. */
  readonly mostDue?: number;
  /** Longer in tests. */
  readonly dueWithinMs?: number;
}

/**
 * A handshake with the call that follows takes about 3 ms. A fleet that comes back at once would otherwise have the loop
 * do nothing else for seconds, and all give up and come again before any of them is done.
 */
const handshakesAtOnce = 3;
const handshakesEveryMs = 10;
/**
 * What is begun at a pace may still end at once, where clients answer late together: of those whose TLS then stands so many are handed
 * on in one turn of the event loop. Each takes a millisecond or two, with the call that it brings.
 */
const handedATurn = 5;
/**
 * As many may be on their way to their first call, who began lately: all of what their clients answer may come in one turn of the event loop,
 * where a handshake, and a call, is a millisecond each and nothing can be put off. Of 10,000 that share two processors with their control
 * plane, fewer make turns shorter and the return longer, with clients that wait a minute in vain (ADR 77 has the figures).
 */
const defaultMostDue = 200;
const defaultDueWithinMs = 1_000;
/** Agents wait for a minute, and those of before for ten seconds: who came this long ago is there, even if that costs it a round trip. */
const surelyThereMs = 5_000;
/**
 * TLS must stand by then. It takes a round trip or two, but a client may have to wait for its processor: one that is cut off comes
 * again, and costs both sides another handshake. What those who say nothing can hold is bounded by their number.
 */
const handshakeWithinMs = 30_000;
/** And somebody who is known must have called: whoever has nothing to say needs no connection. */
const defaultKnownWithinMs = 15_000;
/** A stranger's call gives it so much more: one that enrols may wait for its turn, one that asks for health asks again. */
const defaultStrangerWithinMs = 75_000;

/**
 * A machine that was switched off is noticed so long after it was heard last: the kernel asks from then on, each second, ten
 * times. That costs this process nothing, where HTTP/2 pings of ten thousand cost more than all that they say.
 */
const kernelAsksAfterMs = 10_000;

/**
 * HTTP/2 or nothing. Of a list of protocols Node.js would make three bytes for each connection, and keep the pool's 8 KB that they
 * are cut from for as long as it lives.
 */
const chooseProtocol = ({ protocols }: { readonly protocols: readonly string[] }): string | undefined =>
  protocols.find((protocol) => protocol === 'h2');

/** How many there are of each. */
class Tally {
  private readonly counts = new Map<string, number>();

  of(name: string): number {
    return this.counts.get(name) ?? 0;
  }

  add(name: string, more: 1 | -1): void {
    const count = this.of(name) + more;
    if (count > 0) this.counts.set(name, count);
    else this.counts.delete(name);
  }

  largest(): string | undefined {
    let largest: string | undefined;
    for (const [name, count] of this.counts) if (count > this.of(largest ?? '')) largest = name;
    return largest;
  }
}

/** Nobody who is known has called by it yet. */
interface Waiting {
  readonly socket: TLSSocket;
  readonly address: string;
  readonly timer: NodeJS.Timeout;
  /** A stranger: its call may be going on. */
  readonly hasCalled: boolean;
}

/** Where a connection comes from, as sockets and gRPC's calls have it. */
interface At {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

const keyOf = ({ remoteAddress = '', remotePort = 0 }: At): string => `${remoteAddress}:${remotePort}`;

/**
 * DER of what its peer has shown. As an X509Certificate it would come with one of its issuer, which OpenSSL copies, writing and
 * reading it: a millisecond for each connection.
 */
function shownBy(socket: TLSSocket): Buffer | undefined {
  // {} without one.
  const { raw } = socket.getPeerCertificate() as Partial<PeerCertificate>;
  return raw;
}

/**
 * A TLS port whose connections are handed on. It has what gRPC's own port has not: limits on those who are not known
 * yet, a certificate that can be changed while connections stand, and a word on why a client's certificate is no good.
 */
export class TlsFront {
  private readonly server: TcpServer;
  private readonly tls: TlsServer;
  private readonly turns = new Turns<Socket>(surelyThereMs);
  private readonly pace = new Pace({
    atOnce: handshakesAtOnce,
    everyMs: handshakesEveryMs,
    beginNext: () => this.beginNext(),
  });
  private readonly due: AnswersDue;
  private readonly standing = new FewATurn<TLSSocket>({
    most: handedATurn,
    work: (socket) => {
      this.hand(socket);
    },
  });
  private readonly peers = new Map<string, Peer>();
  /** Who said something last is last. */
  private readonly waiting = new Map<string, Waiting>();
  private readonly waitingFrom = new Tally();
  private readonly fromAddress = new Tally();
  /** Each with its address; they wait, or have begun. */
  private readonly handshaking = new Map<string, string>();
  private readonly handshakesFrom = new Tally();
  /** Of those, which have begun: who began first is first. */
  private readonly underWay = new Map<string, Socket>();
  private readonly ofCertificate = new Tally();
  private refused = 0;
  private clientCa: string | undefined;

  constructor(
    private readonly options: TlsFrontOptions,
    certificate: ServerCertificate,
  ) {
    this.clientCa = options.clientCa;
    this.due = new AnswersDue({
      most: options.mostDue ?? defaultMostDue,
      withinMs: options.dueWithinMs ?? defaultDueWithinMs,
      onRoom: () => {
        this.pace.wake();
      },
    });
    this.tls = createTlsServer({
      ...this.contextOf(certificate),
      ALPNCallback: chooseProtocol,
      handshakeTimeout: handshakeWithinMs,
      requestCert: options.clientCa !== undefined,
      rejectUnauthorized: false,
    });
    // Nothing of a connection is read before its handshake may begin.
    this.server = createTcpServer({ pauseOnConnect: true }, (socket) => {
      this.admit(socket);
    });
    this.server.maxConnections = options.limits.mostConnections;
    this.server.on('drop', (dropped) => {
      this.refuse(dropped?.remoteAddress ?? '', 'connections');
    });
    this.tls.on('secureConnection', (socket) => {
      // What gRPC speaks over it reports its own end.
      socket.on('error', (err) => {
        options.log.debug({ err, from: keyOf(socket) }, 'a TLS connection ended with an error');
      });
      this.standing.add(socket);
    });
    // Each of them is somebody's broken connection, and none is ours.
    this.tls.on('tlsClientError', (err, socket) => {
      options.log.debug({ err, from: keyOf(socket) }, 'a TLS handshake failed');
      socket.destroy();
    });
  }

  /** @returns the port. @throws LockstepError `unavailable` `port-taken`. */
  listen(): Promise<number> {
    const { host, port, variable } = this.options;
    return new Promise((resolve, reject) => {
      this.server.once('error', (error: Error) => {
        const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
        const message = `Cannot listen on ${address}: ${error.message}. Another program may have the port: set ${variable}.`;
        reject(new LockstepError('unavailable', 'port-taken', message, { address, variable }, { cause: error }));
      });
      this.server.listen({ host, port }, () => {
        const address = this.server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** For connections that come from now on. @param clientCa whose certificates clients are to show from now on */
  present(certificate: ServerCertificate, clientCa = this.clientCa): void {
    this.clientCa = clientCa;
    this.tls.setSecureContext(this.contextOf(certificate));
  }

  /** By address and port, as a call has them. */
  peerAt(at: At): Peer | undefined {
    return this.peers.get(keyOf(at));
  }

  /** A call has come by it, whoever makes it: what was begun with its handshake is over. */
  noteCall(at: At): void {
    this.due.end(keyOf(at));
  }

  /** Somebody who is known calls by this connection: it may stay. */
  noteKnown(at: At): void {
    this.stopWaiting(keyOf(at));
  }

  /** A stranger calls by it: it may stay for a while. */
  noteStranger(at: At): void {
    const { strangerWithinMs = defaultStrangerWithinMs } = this.options;
    const waiting = this.waiting.get(keyOf(at));
    if (waiting !== undefined) this.wait(keyOf(at), { ...waiting, hasCalled: true }, strangerWithinMs);
  }

  /** Takes no more, and ends those by which nobody has called; a call that goes on is its server's to end, with a word. */
  close(): void {
    this.server.close();
    this.due.stop();
    for (const socket of [...this.turns.clear(), ...this.standing.clear()]) socket.destroy();
    for (const { socket, timer, hasCalled } of this.waiting.values()) {
      clearTimeout(timer);
      if (!hasCalled) socket.destroy();
    }
  }

  private wait(key: string, { socket, address, hasCalled }: Omit<Waiting, 'timer'>, limitMs: number): void {
    this.stopWaiting(key);
    const timer = setTimeout(() => {
      this.options.onLimited?.('silent-connections');
      socket.destroy();
    }, limitMs);
    this.waiting.set(key, { socket, address, timer, hasCalled });
    this.waitingFrom.add(address, 1);
  }

  private stopWaiting(key: string): void {
    const waiting = this.waiting.get(key);
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    this.waiting.delete(key);
    this.waitingFrom.add(waiting.address, -1);
  }

  /** Half of a port is for those who are known: of the address that has most who are not, who was silent longest goes. */
  private makeRoom(): void {
    if (this.waiting.size <= Math.ceil(this.options.limits.mostConnections / 2)) return;
    const busiest = this.waitingFrom.largest();
    for (const [key, { socket, address }] of this.waiting) {
      if (address !== busiest) continue;
      this.refuse(address, 'silent-connections');
      this.stopWaiting(key);
      socket.destroy();
      return;
    }
  }

  private contextOf({ privateKeyPem, certificateChainPem }: ServerCertificate) {
    const { clientCa } = this;
    return {
      ...{ key: privateKeyPem, cert: certificateChainPem },
      ...(clientCa !== undefined && { ca: clientCa }),
      // Nobody resumes a session, and sealing the client's certificate in tickets is a third of a handshake.
      secureOptions: constants.SSL_OP_NO_TICKET,
    };
  }

  private admit(socket: Socket): void {
    const { limits } = this.options;
    const address = socket.remoteAddress ?? '';
    const isFull = this.handshaking.size >= limits.mostHandshakes;
    const hasShare = this.handshakesFrom.of(address) >= Math.ceil(limits.mostHandshakes / 2);
    if (isFull || hasShare || this.fromAddress.of(address) >= limits.mostFromOneAddress) {
      this.refuse(address, isFull || hasShare ? 'handshakes' : 'connections');
      socket.destroy();
      return;
    }
    const key = keyOf(socket);
    this.fromAddress.add(address, 1);
    // Of the port's connection before, whose end was not told yet.
    this.endHandshake(key);
    this.handshaking.set(key, address);
    this.handshakesFrom.add(address, 1);
    socket.once('close', () => {
      this.endHandshake(key);
      this.due.end(key);
      this.fromAddress.add(address, -1);
    });
    // Its peer may be gone before it begins.
    socket.on('error', () => undefined);
    socket.setKeepAlive(true, kernelAsksAfterMs);
    this.turns.add(address, socket);
    this.pace.wake();
  }

  private beginNext(): boolean {
    if (this.turns.size === 0 || !this.due.hasRoom()) return false;
    for (let socket = this.turns.next(); socket !== undefined; socket = this.turns.next()) {
      if (socket.destroyed) continue;
      const key = keyOf(socket);
      this.underWay.set(key, socket);
      this.due.begin(key);
      this.endSlowest();
      this.tls.emit('connection', socket);
      return true;
    }
    return false;
  }

  private endSlowest(): void {
    if (this.underWay.size <= this.options.limits.mostUnderWay) return;
    const [slowest] = this.underWay;
    if (slowest === undefined) return;
    const [key, socket] = slowest;
    this.refuse(this.handshaking.get(key) ?? '', 'handshakes');
    this.endHandshake(key);
    socket.destroy();
  }

  private endHandshake(key: string): void {
    this.underWay.delete(key);
    const address = this.handshaking.get(key);
    if (address === undefined) return;
    this.handshaking.delete(key);
    this.handshakesFrom.add(address, -1);
  }

  /** Every thousandth is told: a log must not be filled from outside. */
  private refuse(address: string, limit: FrontLimit): void {
    this.options.onLimited?.(limit);
    if (this.refused % 1_000 === 0) {
      this.options.log.warn({ address, refused: this.refused + 1 }, 'too many connections: refused');
    }
    this.refused += 1;
  }

  private hand(socket: TLSSocket): void {
    const { take, clientCa, knownWithinMs = defaultKnownWithinMs } = this.options;
    const key = keyOf(socket);
    this.endHandshake(key);
    // One that was reset meanwhile has no address any more, and must not be taken for another such one.
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const certificate = clientCa === undefined ? undefined : shownBy(socket);
    const fault = certificate === undefined || socket.authorized ? undefined : String(socket.authorizationError);
    const shown = certificate === undefined ? undefined : sha256OfBytes(certificate);
    const isOneTooMany =
      shown !== undefined && this.ofCertificate.of(shown) >= this.options.limits.mostOfOneCertificate;
    const peer = { certificate, fault, isOneTooMany };
    this.peers.set(key, peer);
    if (shown !== undefined) this.ofCertificate.add(shown, 1);
    this.wait(key, { socket, address: socket.remoteAddress, hasCalled: false }, knownWithinMs);
    this.makeRoom();
    socket.once('close', () => {
      if (shown !== undefined) this.ofCertificate.add(shown, -1);
      // Its port may be another connection's already.
      if (this.peers.get(key) !== peer) return;
      this.stopWaiting(key);
      this.peers.delete(key);
    });
    take(socket, peer);
  }
}
