#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# s3rver 3.7.1 and aws4fetch 1.0.20, Node.js 20.20.
#
# The S3 stand-in of many test suites demands the header x-amz-content-sha256 and checks that it looks like a digest,
# but never computes one: an upload whose bytes are not those of the header is stored with 200. So is one that does not
# have its Content-MD5 or its x-amz-checksum-sha256, and a write on condition (If-None-Match: *) that finds an object
# replaces it. S3 answers these with XAmzContentSHA256Mismatch, BadDigest twice, and 412. Tests for damaged uploads, or for two
# writers of which one must lose, pass here with code that does nothing about either.
#
# Seen:
#   another sha256: 200, stored
#   another MD5: 200, stored
#   another checksum: 200, stored
#   only if there is none: 200, stored
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts s3rver@3.7.1 aws4fetch@1.0.20
cat >probe.js <<'JS'
const { AwsClient } = require('aws4fetch');
const S3rver = require('s3rver');
(async () => {
  const configureBuckets = [{ name: 'bucket' }];
  const server = new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory: `${process.cwd()}/objects`, configureBuckets });
  const { port } = await server.run();
  const client = new AwsClient({ accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER', service: 's3', region: 'us-east-1', retries: 0 });
  const url = `http://127.0.0.1:${port}/bucket/object`;
  const put = (body, headers = {}) => client.fetch(url, { method: 'PUT', body, headers });
  const attempts = {
    'another sha256': { 'x-amz-content-sha256': '00'.repeat(32) },
    'another MD5': { 'content-md5': Buffer.alloc(16).toString('base64') },
    'another checksum': { 'x-amz-checksum-sha256': Buffer.alloc(32).toString('base64') },
    'only if there is none': { 'if-none-match': '*' },
  };
  for (const [name, headers] of Object.entries(attempts)) {
    await put('before');
    const { status } = await put(name, headers);
    const kept = await (await client.fetch(url)).text();
    console.log(`${name}: ${status}, ${kept === name ? 'stored' : 'refused'}`);
  }
  process.exit(0);
})();
JS
seen=$(node probe.js)
echo "$seen"
test "$seen" = 'another sha256: 200, stored
another MD5: 200, stored
another checksum: 200, stored
only if there is none: 200, stored'
