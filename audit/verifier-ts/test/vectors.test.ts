import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromBase64, fromHex, sha256, toHex, utf8 } from '../src/core/bytes.js';
import { isUsableKey, verifySignature } from '../src/core/ed25519.js';
import { decodeBlock, encodeBlock, firstCounter } from '../src/core/encoding.js';
import { decodeElement, expandMessage, G, generators, mapToElement, multiple } from '../src/core/group.js';
import { leafHash, tilePath, Tree, verifyConsistency, verifyInclusion } from '../src/core/merkle.js';
import { ED25519_WITNESS, LOG_KEY, NoteError, openCheckpoint, parseVkey } from '../src/core/note.js';
import { scalarOfBytes, toBytes } from './scalars.js';
import { Transcript } from '../src/core/transcript.js';
import { vectorJson } from './helpers.js';

test('Ed25519 edge cases: strict, without cofactor', () => {
  type Case = { message: string; public: string; signature: string; refusal: string | null; number: number };
  const { cases } = vectorJson<{ cases: Case[] }>('ed25519-speccheck.json');
  assert.ok(cases.length >= 12);
  for (const { message, public: key, signature, refusal, number } of cases) {
    assert.equal(verifySignature(fromHex(key), fromHex(message), fromHex(signature)), refusal === null, `case ${number}`);
  }
});

test('Ed25519 keys that are of no use', () => {
  const small = [
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000080',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  ];
  // y = p + 3 .. p + 18 and 2^255 - 1 are not canonical; y = 2 is on no point.
  const odd = ['f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'ff'.repeat(31) + '7f', '02' + '00'.repeat(31)];
  for (const key of [...small, ...odd]) assert.equal(isUsableKey(fromHex(key)), false, key);
  assert.equal(isUsableKey(fromHex('03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8')), true);
});

test('ristretto255: the vectors of RFC 9496', () => {
  type Vectors = {
    multiples: string[]; bad_encodings: Record<string, string[]>;
    one_way: { input: string; output: string }[]; one_way_same: { inputs: string[]; output: string };
  };
  const vectors = vectorJson<Vectors>('ristretto255.json');
  vectors.multiples.forEach((hex, k) => {
    assert.equal(multiple(G, BigInt(k)).toHex(), hex);
    assert.equal(decodeElement(fromHex(hex))?.toHex(), hex);
  });
  for (const hex of Object.values(vectors.bad_encodings).flat()) assert.equal(decodeElement(fromHex(hex)), null, hex);
  for (const { input, output } of vectors.one_way) assert.equal(mapToElement(fromHex(input)).toHex(), output);
  for (const input of vectors.one_way_same.inputs) assert.equal(mapToElement(fromHex(input)).toHex(), vectors.one_way_same.output);
});

test('expand_message_xmd: the vectors of RFC 9380', () => {
  type Vectors = { dst: string; cases: { message: string; length: number; output: string }[] };
  const { dst, cases } = vectorJson<Vectors>('expand-message-xmd-sha512.json');
  for (const { message, length, output } of cases) {
    assert.equal(toHex(expandMessage(utf8(message), utf8(dst), length)), output);
  }
});

test('generators, transcript, blocks, tracker', () => {
  type Vectors = {
    generators: Record<string, string>; transcript: { first_seed: string; second_challenge_scalar: string };
    choice_blocks: { block: string; element: string; counter: number }[]; tracker: { entry_utf8: string; leaf_hash: string };
  };
  const vectors = vectorJson<Vectors>('protocol.json');
  const derived = generators(1000);
  for (const [name, hex] of Object.entries(vectors.generators)) {
    if (/^H(_\d+)?$/.test(name)) assert.equal(derived[Number(name.slice(2))]!.toHex(), hex, name);
  }
  const transcript = Transcript.start('example', new Uint8Array(32)).item('a', Uint8Array.of(1, 2)).list('l', [utf8('x'), utf8('yz')]);
  const fork = transcript.fork();
  assert.equal(toHex(transcript.seed('first')), vectors.transcript.first_seed);
  assert.equal(transcript.challenge('second'), scalarOfBytes(fromHex(vectors.transcript.second_challenge_scalar)));
  assert.equal(toHex(fork.seed('first')), vectors.transcript.first_seed);
  for (const { block, element, counter } of vectors.choice_blocks) {
    assert.equal(firstCounter(fromHex(block)), counter);
    assert.equal(encodeBlock(fromHex(block)).toHex(), element);
    assert.equal(toHex(decodeBlock(fromHex(element))!), block);
  }
  assert.equal(toHex(leafHash(utf8(vectors.tracker.entry_utf8))), vectors.tracker.leaf_hash);
});

type Size = {
  root: string; checkpoint: string; tiles: [string, number, string][];
  consistency: Record<string, { old_root: string; proof: string[] }>;
  inclusion: Record<string, { leaf: string; proof: string[] }>;
};
type TlogVectors = { log_vkey: string; wit_vkey: string; size7: Size; size700: Size; size70000: Size };
const tlog = vectorJson<TlogVectors>('tlog.json');
const b64 = (text: string) => fromBase64(text)!;

test('logs of 7, 700 and 70,000 entries', async () => {
  const log = parseVkey(tlog.log_vkey, [LOG_KEY]);
  const witness = parseVkey(tlog.wit_vkey, [ED25519_WITNESS]);
  const entry = (i: number) => utf8(`entrada ${i}\n`);
  const tree = new Tree(Array.from({ length: 70000 }, (_, i) => leafHash(entry(i))));
  for (const [size, vectors] of [[7, tlog.size7], [700, tlog.size700], [70000, tlog.size70000]] as const) {
    const opened = await openCheckpoint(utf8(vectors.checkpoint), log, [witness], verifySignature);
    assert.equal(opened.size, BigInt(size));
    assert.deepEqual(opened.witnesses, [witness]);
    assert.deepEqual(opened.root, tree.root(size));
    assert.deepEqual(b64(vectors.root), tree.root(size));
    for (const [old, { old_root, proof }] of Object.entries(vectors.consistency)) {
      assert.deepEqual(b64(old_root), tree.root(Number(old)));
      assert.ok(verifyConsistency(BigInt(old), b64(old_root), BigInt(size), opened.root, proof.map(b64)));
      assert.ok(!verifyConsistency(BigInt(old), opened.root, BigInt(size), b64(old_root), proof.map(b64)) || Number(old) === size);
    }
    for (const [index, { leaf, proof }] of Object.entries(vectors.inclusion)) {
      const hash = leafHash(entry(Number(index)));
      assert.deepEqual(b64(leaf), hash);
      assert.ok(verifyInclusion(hash, BigInt(index), BigInt(size), proof.map(b64), opened.root));
      assert.ok(!verifyInclusion(hash, BigInt(index) + 1n, BigInt(size), proof.map(b64), opened.root));
      assert.ok(!verifyInclusion(hash, BigInt(index), BigInt(size), proof.map(b64).slice(1), opened.root));
    }
    for (const [path, length, digest] of vectors.tiles) {
      const parts = /^tile\/(entries|\d+)\/([x\d/]+?)(?:\.p\/(\d+))?$/.exec(path)!;
      const number = Number(parts[2]!.replace(/[x/]/g, ''));
      const width = Number(parts[3] ?? 256);
      const level = parts[1] === 'entries' ? 'entries' : Number(parts[1]);
      assert.equal(tilePath(level, number, width), path);
      const span = level === 'entries' ? 1 : 256 ** level;
      const items = Array.from({ length: width }, (_, i) => {
        const first = (256 * number + i) * span;
        if (level === 'entries') return concat(Uint8Array.of(0, entry(first).length), entry(first));
        return new Tree(Array.from({ length: span }, (_unused, k) => tree.leaf(first + k))).root();
      });
      const bytes = concat(...items);
      assert.equal(bytes.length, length, path);
      assert.ok([toHex(sha256(bytes)), toHex(bytes)].includes(digest), path);
    }
  }
});

test('tile paths', () => {
  assert.equal(tilePath(0, 5, 256), 'tile/0/005');
  assert.equal(tilePath('entries', 1234067, 256), 'tile/entries/x001/x234/067');
  assert.equal(tilePath(1, 0, 1), 'tile/1/000.p/1');
});

test('notes: what is not exactly the form is refused', async () => {
  const log = parseVkey(tlog.log_vkey, [LOG_KEY]);
  const witness = parseVkey(tlog.wit_vkey, [ED25519_WITNESS]);
  const good = tlog.size7.checkpoint;
  const lines = good.split('\n');
  const bad: Record<string, string> = {
    'no final line feed': good.slice(0, -1),
    'a carriage return': good.replaceAll('\n', '\r\n'),
    'another origin': good.replace('bb.', 'cc.'),
    'a leading zero': good.replace('\n7\n', '\n07\n'),
    'a sign': good.replace('\n7\n', '\n+7\n'),
    'too large a size': good.replace('\n7\n', '\n9223372036854775808\n'),
    'an extension line': good.replace('\n\n', '\nextension\n\n'),
    'no signature': `${lines.slice(0, 3).join('\n')}\n\n`,
    'no line of the log': [...lines.slice(0, 4), ...lines.slice(5)].join('\n'),
    'a line twice': `${good}${lines[4]}\n`,
    'a cosignature twice': `${good}${lines[5]}\n`,
    'an unknown key whose line is malformed': `${good}\u2014 somebody AAAA*AAA\n`,
    'an unknown key without a signature': `${good}\u2014 somebody AAAAAA==\n`,
    'a hyphen for a dash': `${good}- somebody AAAAAAAA\n`,
    'a text after the signatures': `${good}more\n`,
    'base64 that is not canonical': good.replace(/8=\n/, '9=\n'),
    'a control character': good.replace('bb.', 'b\u0001b.'),
    'too long': good + `\u2014 somebody ${'AAAA'.repeat(20000)}\n`,
  };
  const open = (text: string, witnesses = [witness]) => openCheckpoint(utf8(text), log, witnesses, verifySignature);
  assert.equal((await open(good)).witnesses.length, 1);
  assert.equal((await open(`${good}\u2014 somebody AAAAAAAA\n`, [])).witnesses.length, 0);
  for (const [what, text] of Object.entries(bad)) {
    await assert.rejects(open(text), NoteError, what);
  }
});

test('vkeys: the key id, the type and the key are checked', () => {
  const line = tlog.log_vkey;
  assert.throws(() => parseVkey(line, [ED25519_WITNESS]), NoteError);
  assert.throws(() => parseVkey(line.replace('53a62ba9', '53a62ba8'), [LOG_KEY]), NoteError);
  assert.throws(() => parseVkey(line.replace('+', ' +'), [LOG_KEY]), NoteError);
  assert.throws(() => parseVkey(line.slice(0, -4), [LOG_KEY]), NoteError);
  assert.throws(() => parseVkey('', [LOG_KEY]), NoteError);
  assert.equal(toBytes(5n)[0], 5);
});
