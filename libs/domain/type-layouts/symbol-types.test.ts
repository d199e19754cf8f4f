// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { changedTypeOf, parseSymbolTypes } from './symbol-types';

const types = `s#ns struct ns { UNKNOWN } 
s#pid struct pid { int level ; s#ns * ns ; } 
t#pid_type typedef enum e#kind pid_type 
e#kind enum kind { FIRST , LAST , } 
get_pid int get_pid ( s#pid * , e#kind ) 
count unsigned int count ( void ) 
`;
const before = parseSymbolTypes(types);
const changed = (symbol: string, find: string, put: string): string | null => {
  expect(types).toContain(find);
  return changedTypeOf(symbol, before, parseSymbolTypes(types.replace(find, put)));
};

test('a type that is completed, or no longer, changes nothing', () => {
  const complete = 's#ns struct ns { s#other * other ; } \ns#other struct other { int x ; } ';
  expect(changed('get_pid', 's#ns struct ns { UNKNOWN } ', complete)).toBeNull();
  const after = parseSymbolTypes(types.replace('s#ns struct ns { UNKNOWN } ', complete));
  expect(changedTypeOf('get_pid', after, before)).toBeNull();
});

test('one that is another is named, however far away; for symbols that do not reach it nothing changes', () => {
  expect(changed('get_pid', '{ int level ;', '{ long level ;')).toBe('struct pid');
  expect(changed('count', '{ int level ;', '{ long level ;')).toBeNull();
  expect(changed('get_pid', 'FIRST , LAST', 'FIRST , MORE , LAST')).toBe('enum kind');
  expect(changed('count', 'count ( void )', 'count ( int )')).toBe('count');
  expect(changed('count', 'unsigned int count', 'override count extern long count')).toBe('count');
  expect(changed('count', 'count unsigned int count', 'extern count extern unsigned int count')).toBeNull();
});

test('what is behind a completed type is compared where both know it', () => {
  const known = types.replace('UNKNOWN', 'int id ;');
  const both = changedTypeOf('get_pid', parseSymbolTypes(known), parseSymbolTypes(known.replace('int id', 'long id')));
  expect(both).toBe('struct ns');
});

test('a symbol that genksyms does not tell of is changed', () => {
  expect(changedTypeOf('other', before, before)).toBe('other');
});
