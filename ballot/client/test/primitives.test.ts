/** Group, scalars, transcripts, signatures, credentials, trackers: against the vectors that all programs share. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBlock } from '../src/core/blocks.ts';
import { hex, unhex, utf8 } from '../src/core/bytes.ts';
import { parseCredential, publicCredential, seedOf } from '../src/core/credential.ts';
import { isPublicKey, publicKey, sign, verify } from '../src/core/ed25519.ts';
import { GENERATOR, base, decode, multiple, publicMultiple, withTables } from '../src/core/group.ts';
import { leafHash } from '../src/core/merkle.ts';
import { scalarBytes, scalarOf } from '../src/core/scalars.ts';
import { parseShown, shown } from '../src/core/tracker.ts';
import { Transcript } from '../src/core/transcript.ts';
import { vectors } from './files.ts';

const protocol = vectors('protocol.json');

test('multiples of the generator, by every way of multiplying', () => {
  const tables = withTables(decode(GENERATOR.toBytes()));
  vectors('ristretto255.json').multiples.forEach((encoding: string, k: number) => {
    for (const found of [base(BigInt(k)), multiple(tables, BigInt(k)), publicMultiple(GENERATOR, BigInt(k))]) {
      assert.equal(hex(found.toBytes()), encoding);
    }
  });
});

test('bad encodings of elements are refused', () => {
  for (const encodings of Object.values(vectors('ristretto255.json').bad_encodings) as string[][]) {
    for (const encoding of encodings) assert.throws(() => decode(unhex(encoding)), { check: 'ELEMENT' });
  }
  assert.throws(() => decode(new Uint8Array(32)), { check: 'IDENTITY' });
  assert.ok(decode(new Uint8Array(32), true).is0());
});

test('scalars are reduced, or none', () => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  assert.equal(scalarOf(scalarBytes(order - 1n)), order - 1n);
  assert.equal(scalarOf(scalarBytes(order)), null);
});

test('blocks become elements by the first counter that works', () => {
  for (const { block, element } of protocol.choice_blocks) assert.equal(hex(encodeBlock(unhex(block)).toBytes()), element);
});

test('the first counter is the one of the decoder, for many blocks', () => {
  for (let i = 0; i < 400; i++) {
    const block = leafHash(Uint8Array.of(i)).slice(0, 30);
    const encoding = encodeBlock(block).toBytes();
    const works = (counter: number): boolean => {
      try {
        return decode(Uint8Array.of(2 * counter, ...block, 0)) !== null;
      } catch {
        return false;
      }
    };
    const first = Array.from({ length: 128 }, (_, counter) => counter).find(works)!;
    assert.equal(hex(encoding), hex(Uint8Array.of(2 * first, ...block, 0)));
  }
});

test('transcripts', () => {
  const { domain, context, first_seed: seed, second_challenge_scalar: second } = protocol.transcript;
  const transcript = Transcript.of(domain, unhex(context)).add('a', unhex('0102')).addList('l', [unhex('78'), unhex('797a')]);
  assert.equal(hex(transcript.seed('first')), seed);
  assert.equal(hex(scalarBytes(transcript.challenge('second'))), second);
});

test('Ed25519: the edge cases', () => {
  for (const { message, public: key, signature, refusal, description } of vectors('ed25519-speccheck.json').cases) {
    assert.equal(verify(unhex(key), unhex(message), unhex(signature)), refusal === null, description);
  }
});

test('Ed25519: own signatures verify, altered ones do not', () => {
  const seed = leafHash(utf8('seed'));
  const [key, message] = [publicKey(seed), utf8('papeleta')];
  const signature = sign(seed, message);
  assert.ok(isPublicKey(key));
  assert.ok(verify(key, message, signature));
  for (const place of [0, 31, 32, 63]) {
    const altered = signature.slice();
    altered[place]! ^= 1;
    assert.ok(!verify(key, message, altered));
  }
  assert.ok(!verify(key, message, signature.subarray(0, 63)));
  assert.ok(!verify(key, utf8('papeletA'), signature));
});

test('credentials: written form and key', () => {
  for (const { secret, shown: written, election_id: id, ed25519_seed: seed, public: key } of protocol.credentials) {
    const typed = written.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l');
    for (const text of [written, typed, written.replaceAll('-', '')]) assert.equal(hex(parseCredential(text)), secret);
    assert.equal(hex(seedOf(unhex(secret), id)), seed);
    assert.equal(publicCredential(unhex(secret), id), key);
  }
});

test('credentials: every single mistyped symbol but one in 1024 is found, and nothing is repeated', () => {
  const [{ shown: written }] = protocol.credentials;
  let passed = 0;
  for (let place = 0; place < written.length; place++) {
    if (written[place] === '-') continue;
    const other = written[place] === 'Z' ? 'Y' : 'Z';
    const typed = written.slice(0, place) + other + written.slice(place + 1);
    try {
      parseCredential(typed);
      passed++;
    } catch (error) {
      assert.equal((error as { code: string }).code, 'credential-mistyped');
      assert.ok(!String(error).includes('Z'));
    }
  }
  assert.ok(passed <= 1);
  for (const typed of ['', 'U'.repeat(28), '8' + '0'.repeat(27), `${written}0`, written.slice(1), written.replace('4', 'ı'), '💥'.repeat(28)]) {
    assert.throws(() => parseCredential(typed), { code: 'credential-mistyped' });
  }
});

test('trackers', () => {
  const { entry_utf8: entry, leaf_hash: leaf, shown: written } = protocol.tracker;
  assert.equal(hex(leafHash(utf8(entry))), leaf);
  assert.equal(shown(unhex(leaf)), written);
  assert.equal(hex(parseShown(written.toLowerCase())!), leaf.slice(0, 40));
  for (const typed of ['', written.slice(1), `${written}A`, written.replace('R', 'U')]) assert.equal(parseShown(typed), null);
});
