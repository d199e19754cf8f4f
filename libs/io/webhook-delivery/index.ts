// SPDX-License-Identifier: GPL-2.0-only
export { parseEndpointUrl, showEndpointUrl } from './endpoint-url';
export { postWebhook, type DeliveryOutcome, type Posting } from './post-webhook';
export { parseWebhookSecret, signedHeaders } from './signature';
