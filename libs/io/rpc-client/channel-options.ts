// SPDX-License-Identifier: GPL-2.0-only
import type { ChannelOptions } from '@grpc/grpc-js';
import { maxMessageBytes } from '@lockstep/contracts/wire';

/** How long a unary call may take unless the caller says otherwise. */
export const defaultDeadlineMs = 15_000;

/** A dead peer is noticed after the two together; servers allow a ping this often. */
const keepaliveTimeMs = 20_000;
const keepaliveTimeoutMs = 10_000;

export const channelOptions: ChannelOptions = {
  'grpc.max_send_message_length': maxMessageBytes,
  'grpc.max_receive_message_length': maxMessageBytes,
  'grpc.keepalive_time_ms': keepaliveTimeMs,
  'grpc.keepalive_timeout_ms': keepaliveTimeoutMs,
  // Reconnecting is quick enough that a restarted server is found within about two seconds.
  'grpc.initial_reconnect_backoff_ms': 250,
  'grpc.max_reconnect_backoff_ms': 2_000,
  // Retries are ours (only what may be repeated is), and no proxy variable may divert a connection that is pinned.
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  // Clients of different identities live in one process in tests: never share a connection between them.
  'grpc.use_local_subchannel_pool': 1,
};
