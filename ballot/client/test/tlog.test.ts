/** Notes, checkpoints, trees, tiles, receipts: against the vectors, and against every way of spelling them wrong. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base64, hex, unbase64, unhex, utf8 } from '../src/core/bytes.ts';
import { NotFound } from '../src/core/errors.ts';
import { EMPTY_ROOT, leafHash, perfectRoot, verifyConsistency, verifyInclusion } from '../src/core/merkle.ts';
import { decimal, openCheckpoint, parseVkey } from '../src/core/note.ts';
import { parsePolicy } from '../src/core/policy.ts';
import { LogReader } from '../src/core/reader.ts';
import { receiptFile, verifyAnswer, verifyContinued, verifyReceipt, verifyReceiptFile } from '../src/core/receipt.ts';
import type { Source } from '../src/core/source.ts';
import { vectors } from './files.ts';

const tlog = vectors('tlog.json');
const log = parseVkey(tlog.log_vkey);
const witness = parseVkey(tlog.wit_vkey);
const sizes = [7, 700, 70_000] as const;
const entry = (i: number): Uint8Array => utf8(`entrada ${i}\n`);
const b64 = (text: string): Uint8Array => unbase64(text)!;
const open = (text: string) => openCheckpoint(utf8(text), log, [witness]);

test('checkpoints open, with their cosignatures', () => {
  for (const size of sizes) {
    const opened = open(tlog[`size${size}`].checkpoint);
    assert.equal(opened.size, size);
    assert.equal(base64(opened.root), tlog[`size${size}`].root);
  }
  assert.deepEqual(open(tlog.size7.checkpoint).cosigners, [witness]);
});

test('inclusion and consistency proofs verify, and nothing near them does', () => {
  for (const size of sizes) {
    const { root, inclusion, consistency } = tlog[`size${size}`];
    for (const [index, { leaf, proof }] of Object.entries(inclusion) as [string, { leaf: string; proof: string[] }][]) {
      const hashes = proof.map(b64);
      verifyInclusion(Number(index), size, b64(leaf), hashes, b64(root));
      for (const [i, n, l, p] of [
        [Number(index) + 1, size, leaf, hashes], [Number(index), size, root, hashes],
        [Number(index), size, leaf, hashes.slice(1)], [Number(index), size, leaf, [...hashes, b64(root)]], [-1, size, leaf, hashes],
      ] as [number, number, string, Uint8Array[]][]) {
        assert.throws(() => verifyInclusion(i, n, b64(l), p, b64(root)), { check: 'LOG' });
      }
      assert.throws(() => verifyInclusion(Number(index), size, b64(root), [], b64(root)), { check: 'LOG' }, 'the root is no leaf');
    }
    for (const [old, { old_root: before, proof }] of Object.entries(consistency) as [string, { old_root: string; proof: string[] }][]) {
      const hashes = proof.map(b64);
      verifyConsistency(Number(old), size, b64(before), b64(root), hashes);
      assert.throws(() => verifyConsistency(Number(old), size, leafHash(utf8('x')), b64(root), hashes), { check: 'LOG' });
      assert.throws(() => verifyConsistency(Number(old), size, b64(before), leafHash(utf8('x')), hashes), { check: 'LOG' });
      assert.throws(() => verifyConsistency(Number(old), size, b64(before), b64(root), [...hashes, b64(root)]), { check: 'LOG' });
      if (hashes.length > 0) assert.throws(() => verifyConsistency(Number(old), size, b64(before), b64(root), hashes.slice(1)), { check: 'LOG' });
    }
  }
  verifyConsistency(0, 7, EMPTY_ROOT, b64(tlog.size7.root), []);
  assert.throws(() => verifyConsistency(0, 7, b64(tlog.size7.root), b64(tlog.size7.root), []), { check: 'LOG' });
  assert.throws(() => verifyConsistency(8, 7, EMPTY_ROOT, b64(tlog.size7.root), []), { check: 'LOG' });
});

/** The files of a log of `count` entries, made from nothing but its entries; partial tiles that are full by now only so. */
function served(count: number): { files: Map<string, Uint8Array>; source: Source } {
  const files = new Map<string, Uint8Array>();
  const name = (index: number): string => String(index).padStart(3, '0');
  const put = (level: string, parts: Uint8Array[]): void => {
    for (let start = 0; start < parts.length; start += 256) {
      const some = parts.slice(start, start + 256);
      const path = `tile/${level}/${name(start / 256)}${some.length < 256 ? `.p/${some.length}` : ''}`;
      files.set(path, new Uint8Array(Buffer.concat(some)));
    }
  };
  const entries = Array.from({ length: count }, (_, i) => entry(i));
  put('entries', entries.map((data) => Uint8Array.of(data.length >> 8, data.length & 255, ...data)));
  let hashes = entries.map(leafHash);
  for (let level = 0; hashes.length > 0; level++) {
    put(String(level), hashes);
    hashes = Array.from({ length: Math.floor(hashes.length / 256) }, (_, i) => perfectRoot(hashes.slice(256 * i, 256 * (i + 1))));
  }
  const source: Source = {
    async get(path) {
      const found = files.get(path);
      if (!found) throw new NotFound(path);
      return found;
    },
  };
  return { files, source };
}

test('a log is read by its tiles, at each of its sizes', async () => {
  for (const size of [7, 700]) {
    const reader = await LogReader.open(served(size).source, 'ballot', open(tlog[`size${size}`].checkpoint));
    let next = 0;
    for await (const [index, data] of reader.entries(0)) {
      assert.equal(index, next++);
      assert.deepEqual(data, new Uint8Array(entry(index)));
    }
    assert.equal(next, size);
    for (const [old, { old_root: root }] of Object.entries(tlog[`size${size}`].consistency) as [string, { old_root: string }][]) {
      assert.equal(base64(await reader.rootAt(Number(old))), root);
    }
    assert.equal(await reader.findLast(leafHash(entry(3)), size), 3);
    assert.equal(await reader.findLast(leafHash(entry(size - 1)), size - 1), null);
  }
  // A log that has grown serves the full tile alone.
  const grown = served(768);
  const reader = await LogReader.open(grown.source, 'ballot', open(tlog.size700.checkpoint)).catch((error: unknown) => error);
  assert.equal((reader as { check: string }).check, 'LOG', 'an upper tile of another width is another file');
  grown.files.set('tile/1/000.p/2', grown.files.get('tile/1/000.p/3')!.slice(0, 64));
  assert.equal((await LogReader.open(grown.source, 'ballot', open(tlog.size700.checkpoint))).size, 700);
});

test('a byte that differs in any tile is found', async () => {
  const { files, source } = served(700);
  for (const [path, data] of files) {
    for (const altered of [data.map((value, i) => (i === 40 ? value ^ 1 : value)), data.subarray(0, data.length - 1), Uint8Array.of(...data, 0)]) {
      files.set(path, altered);
      const read = async (): Promise<void> => {
        const reader = await LogReader.open(source, 'ballot', open(tlog.size700.checkpoint));
        for await (const each of reader.entries(0)) void each;
      };
      await assert.rejects(read, { check: 'LOG' }, path);
    }
    files.set(path, data);
  }
});

test('notes that are spelt otherwise are refused', () => {
  const text: string = tlog.size7.checkpoint;
  const line = text.split('\n')[4]!;
  const wrong = {
    'no signatures': text.slice(0, text.indexOf('\n\n') + 2), 'no empty line': text.replace('\n\n', '\n'),
    'a carriage return': text.replace('7\n', '7\r\n'), 'a size with a zero': text.replace('\n7\n', '\n07\n'),
    'a size with a plus': text.replace('\n7\n', '\n+7\n'), 'another size': text.replace('\n7\n', '\n8\n'),
    'an extension': text.replace('\n\n', '\nmore\n\n'), 'a hyphen for the dash': text.replaceAll('\u2014', '-'),
    'no line feed at the end': text.slice(0, -1), 'the same line twice': `${text}${line}\n`, 'a tab': text.replace('\n\n', '\t\n\n'),
    'another origin': text.replaceAll('bb.example.org', 'bc.example.org'), 'base64 that is not canonical': text.replace('0g=\n', '0h=\n'),
    'a malformed line of nobody': `${text}\u2014 nobody ????\n`, 'a line with two spaces': text.replace('\u2014 testigo', '\u2014  testigo'),
    'too long': `${text}${'\u2014 nobody AAAAAAAA\n'.repeat(4000)}`, 'a time changed': text.replace('BlU/EA', 'BlU/EB'),
  };
  for (const [what, altered] of Object.entries(wrong)) {
    assert.notEqual(altered, text, what);
    assert.throws(() => open(altered), { check: 'NOTE' }, what);
  }
  assert.equal(open(`${text}\u2014 nobody AAAAAAAA\n`).cosigners.length, 1);
  for (const number of ['', '-1', '1.0', '01', '1e3', '\u0661', '9007199254740992', '99999999999999999999']) {
    assert.throws(() => decimal(number), { check: 'NOTE' });
  }
});

test('keys that are spelt otherwise are refused', () => {
  const text: string = tlog.log_vkey;
  for (const wrong of [text.replace('53a6', '53A6'), text.replace('53a6', '53a7'), text.replace('AQ', 'AA'), text.slice(0, -1), `a b${text}`, '', '++']) {
    assert.throws(() => parseVkey(wrong), { check: 'NOTE' }, wrong);
  }
});

const given = vectors('receipts.json');
const policy = parsePolicy(utf8(JSON.stringify({
  logs: { registry: tlog.log_vkey, ballot: given.log, tally: tlog.log_vkey },
  auditors: { 'auditor/1': { sign: '00'.repeat(32), witness: [tlog.wit_vkey] }, 'auditor/2': { sign: '11'.repeat(32), witness: [] } },
  authority: '22'.repeat(32), quorum: 2,
})));

test('receipts: the vector, its file, the answer to a ballot', () => {
  const [data, leaf] = [utf8(given.receipt), unhex(given.leaf_hash)];
  const checked = verifyReceipt(data, leaf, policy);
  assert.deepEqual([checked.index, checked.size, checked.tracker], [2, 4, given.tracker]);
  assert.deepEqual([checked.auditors, checked.missing, checked.quorumReached], [[], ['auditor/1', 'auditor/2'], false]);
  assert.deepEqual(verifyReceiptFile(data, policy), checked);
  assert.equal(Buffer.from(receiptFile(data, leaf)).toString(), given.receipt);
  const bare = utf8(given.receipt.replace(/extra .*\n/, ''));
  assert.equal(Buffer.from(receiptFile(bare, leaf)).toString(), given.receipt);
  assert.throws(() => verifyReceiptFile(bare, policy), { code: 'receipt-without-ballot' });
  const answer = { index: 2, leaf_hash: given.leaf_hash, tracker: given.tracker, receipt: given.receipt };
  assert.equal(verifyAnswer(answer, entry(2), policy).index, 2);
  for (const other of [{ ...answer, index: 1 }, { ...answer, tracker: '' }, { ...answer, leaf_hash: hex(leafHash(entry(3))) }]) {
    assert.throws(() => verifyAnswer(other, entry(2), policy), { code: 'receipt-of-another-ballot' });
  }
  assert.throws(() => verifyAnswer(answer, entry(3), policy), { code: 'receipt-of-another-ballot' });
  for (const other of [null, 7, {}, { receipt: 1 }]) assert.throws(() => verifyAnswer(other, entry(2), policy), { check: 'NOTE' });
});

test('receipts: cosignatures count by auditor', () => {
  const proof = tlog.size7.inclusion['3'];
  const text = `c2sp.org/tlog-proof@v1\nindex 3\n${proof.proof.join('\n')}\n\n${tlog.size7.checkpoint}`;
  assert.deepEqual(verifyReceipt(utf8(text), b64(proof.leaf), policy).auditors, ['auditor/1']);
  const doubled = { ...policy, witnesses: new Map([['auditor/1', [witness]], ['auditor/2', [witness]]]) };
  assert.deepEqual(verifyReceipt(utf8(text), b64(proof.leaf), doubled).missing, ['auditor/2']);
});

test('receipts: no altered byte gives another statement', () => {
  const data = utf8(given.receipt);
  const leaf = unhex(given.leaf_hash);
  const { index, size, root } = verifyReceipt(data, leaf, policy);
  for (let place = 0; place < data.length; place++) {
    const altered = data.slice();
    altered[place]! ^= 1;
    try {
      assert.deepEqual({ ...verifyReceipt(altered, leaf, policy) }, { ...verifyReceipt(data, leaf, policy), index, size, root });
    } catch (error) {
      assert.match((error as { check: string }).check, /^(NOTE|LOG)$/);
    }
  }
});

test('a served log continues the one of a receipt, or the receipt shows that it does not', async () => {
  const checked = verifyReceipt(utf8(given.receipt), unhex(given.leaf_hash), policy);
  const { files, source } = served(7);
  files.set('checkpoint', utf8(given.later_consistent));
  assert.equal(await verifyContinued(checked, source, policy), 7);
  for (const { later } of Object.values(given.proven) as { later: string }[]) {
    const size = Number(later.split('\n')[1]);
    // The tiles of the other log are not at hand here; one that is smaller or has another root of the same size needs none.
    files.set('checkpoint', utf8(later));
    await assert.rejects(verifyContinued(checked, source, policy), { check: /^(CHECKPOINT|LOG)$/ }, String(size));
  }
  const ahead = { ...checked, size: 8 };
  files.set('checkpoint', utf8(given.later_consistent));
  await assert.rejects(verifyContinued(ahead, source, policy), { check: 'CHECKPOINT' });
});
