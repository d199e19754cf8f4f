// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { Client } from 'pg';
import { urlAs } from './queue-url';

test.each([
  'postgresql://owner:secret@db.example:5433/lockstep',
  'postgresql://db.example:5433/lockstep?user=owner&password=secret',
  'postgresql://other:x@db.example:5433/lockstep?user=owner&password=secret&application_name=a',
  'postgresql:///lockstep?host=/run/postgresql&port=5433',
  'postgresql:///lockstep?host=/run/postgresql&port=5433&user=owner&password=secret',
])('%s is opened as the role that is given, and as nobody else', (url) => {
  const { user, password, database, port } = new Client({ connectionString: urlAs(url, 'lockstep_queue', 'p/w?&:@') });
  expect({ user, password, database, port }).toEqual({
    ...{ user: 'lockstep_queue', password: 'p/w?&:@', database: 'lockstep', port: 5433 },
  });
});
