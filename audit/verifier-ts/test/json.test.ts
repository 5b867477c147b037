import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromBase64, toBase64, utf8 } from '../src/core/bytes.js';
import { canonicalText, JsonError, parseJson, readCanonical } from '../src/core/json.js';

test('canonical texts are read', () => {
  const good = ['{}', '[]', 'null', '0', '9007199254740991', '"\\u0000\\b\\t\\n\\f\\r\\"\\\\/"', '{"a":[1,{"b":null}],"é":"\u{1f600}"}', '{"__proto__":1}'];
  for (const text of good) assert.equal(canonicalText(readCanonical(utf8(text))), text);
  assert.equal(canonicalText(parseJson('{"\u20ac":1,"\\r":2,"\ufb33":3,"1":4,"\u{1f600}":5,"\u0080":6,"ö":7}')), '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"\u{1f600}":5,"\ufb33":3}');
});

test('everything else is refused', () => {
  const bad = [
    '', ' {}', '{} ', '{ }', '{"a":1,}', '[1,]', '[1 ,2]', '{"b":1,"a":2}', '{"a":1,"a":1}', '{"a":1,"\\u0061":1}', '{a:1}', "{'a':1}",
    'true', 'false', '[true]', '1.0', '1e0', '-0', '-1', '00', '01', '+1', 'NaN', 'Infinity', '9007199254740992', '9007199254740993',
    '"\\u0061"', '"\\/"', '"\\u001F"', '"\u0001"', '"\n"', '"', '"\\', '"\\u12', '"\\ud800"', '"\\ud800\\u0041"', '"\\udc00"', '"\\x41"',
    '\ufeff{}', 'nul', 'nulll', '{}{}', '[', '{"a"', '{"a":', '['.repeat(17) + ']'.repeat(17), '['.repeat(100000), '{"a":'.repeat(50000),
    '1'.repeat(5000), '[1]\u00a0', '[1,,2]', '{"a":1 "b":2}',
  ];
  for (const text of bad) assert.throws(() => readCanonical(utf8(text)), JsonError, text.slice(0, 40));
  const broken = [[0xff], [0xc0, 0x80], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x22, 0xc3, 0x22], [0xf8, 0x88, 0x80, 0x80, 0x80]];
  for (const bytes of broken) assert.throws(() => readCanonical(Uint8Array.from(bytes)), JsonError);
  assert.doesNotThrow(() => readCanonical(utf8('['.repeat(16) + ']'.repeat(16))));
});

test('base64 has one spelling', () => {
  for (const bytes of [[], [1], [1, 2], [1, 2, 3], [255, 254, 253, 252]]) {
    assert.deepEqual(fromBase64(toBase64(Uint8Array.from(bytes))), Uint8Array.from(bytes));
  }
  for (const text of ['A', 'AA', 'AAA', 'AB==', 'AAB=', 'A===', '====', 'AAA-', 'AA A', 'AAAA\n', 'AA==AAAA', 'AA=A']) {
    assert.equal(fromBase64(text), null, text);
  }
  assert.equal(concat(utf8('a'), utf8('b')).length, 2);
});
