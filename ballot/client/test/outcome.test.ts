/** Finding a vote: what is said, whoever serves the log, and that nobody's word is taken for it. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  hex, openElection, parseCredential, prepare, publicCredential, sign, verifyReceiptFile, type Choice, type Source,
} from '../src/core/index.ts';
import { utf8 } from '../src/core/bytes.ts';
import { PracticeBox } from '../src/ui/practice/box.ts';
import { parsePractice } from '../src/ui/practice/election.ts';
import { check, checkFile, type Archive, type Outcome } from '../src/ui/check/outcome.ts';
import { otherHost, wantedOf } from '../src/ui/check/read.ts';
import { bytesOf, challengeLink, fragmentOf, payloadOf } from '../src/ui/kit/opening.ts';

const practice = parsePractice(readFileSync(fileURLToPath(new URL('../../../practice/election.json', import.meta.url)), 'utf8'));
const CHOICES = new Map<string, Choice>([['presidencia', { kind: 'null' }], ['senadurias', { kind: 'marks', options: [2] }]]);

/** A box with one ballot; `receipt` is what was given first, without auditors. */
async function voted(): Promise<{ box: PracticeBox; leaf: Uint8Array; receipt: Uint8Array }> {
  const box = new PracticeBox(practice);
  const election = await openElection(box, box.policy);
  const secret = parseCredential(practice.voter.credential);
  const credential = publicCredential(secret, election.id);
  await election.confirm(practice.voter.urn, credential);
  const { entry, leaf } = sign(prepare(election, practice.voter.urn, credential, CHOICES), secret, election);
  return { box, leaf, receipt: utf8(box.cast(entry).receipt) };
}

function archiveOf(box: PracticeBox, changed: Partial<Archive> = {}): Archive {
  return { policy: box.policy, source: box, receipt: async (leaf) => (leaf === '' ? null : box.receipt(Uint8Array.from(Buffer.from(leaf, 'hex')))), ...changed };
}

const kindOf = <K extends Outcome['kind']>(outcome: Outcome, kind: K): Extract<Outcome, { kind: K }> => {
  assert.equal(outcome.kind, kind);
  return outcome as Extract<Outcome, { kind: K }>;
};

test('by link, by number and by file the same ballot is found, pending and then complete', async () => {
  const { box, leaf, receipt } = await voted();
  const ways = [
    () => check({ kind: 'leaf', bytes: leaf }, archiveOf(box)),
    () => check({ kind: 'tracker', bytes: leaf.subarray(0, 20) }, archiveOf(box)),
    () => checkFile(receipt, archiveOf(box)),
  ];
  for (const way of ways) {
    const found = kindOf(await way(), 'found');
    assert.deepEqual([found.checked.index, found.now, found.checked.missing], [1, 2, ['auditor/1', 'auditor/2']]);
    assert.deepEqual(found.checked.leaf, leaf);
  }
  box.cosign();
  for (const way of ways) {
    const { checked, receipt: file } = kindOf(await way(), 'found');
    assert.ok(checked.quorumReached);
    assert.deepEqual(verifyReceiptFile(file!, box.policy).auditors, ['auditor/1', 'auditor/2'], 'the file to keep is the better one');
  }
});

test('that there is no receipt is not believed, and nobody is told which number is looked for', async () => {
  const { box, leaf } = await voted();
  const asked: string[] = [];
  const silent = archiveOf(box, { receipt: async (wanted) => (asked.push(wanted), null) });
  const found = kindOf(await check({ kind: 'leaf', bytes: leaf }, silent), 'found');
  assert.deepEqual([found.checked.index, found.receipt], [1, null]);
  const other = new Uint8Array(20).fill(9);
  const before = asked.length;
  const absent = kindOf(await check({ kind: 'tracker', bytes: other }, silent), 'absent');
  assert.deepEqual([absent.searched.size, asked.length], [2, before]);
});

test('a log that lost the ballot after it signed the receipt is contradicted by it', async () => {
  const { box, receipt } = await voted();
  const { box: another } = await voted();
  const { later, receipt: kept } = kindOf(await checkFile(receipt, archiveOf(box, { source: another, receipt: async () => null })), 'contradicted');
  assert.deepEqual(kept, receipt);
  assert.deepEqual(later, await another.get('checkpoint', 'ballot'));
  const empty = new PracticeBox(practice);
  assert.equal((await checkFile(receipt, archiveOf(box, { source: empty, receipt: async () => null }))).kind, 'contradicted');
});

test('an altered or foreign file is no receipt; an altered log is not believed', async () => {
  const { box, leaf, receipt } = await voted();
  const text = Buffer.from(receipt).toString();
  for (const file of ['', 'x', text.replace('index 1', 'index 0'), text.replace(/extra .*\n/, ''), text.replace('practica.vemre', 'practico.vemre'), text.slice(0, -9)]) {
    assert.notEqual(file, text);
    assert.equal((await checkFile(utf8(file), archiveOf(box))).kind, 'not-a-receipt');
  }
  const altered: Source = {
    async get(path, log) {
      const data = Uint8Array.from(await box.get(path, log));
      if (path.startsWith('tile/0')) data[40]! ^= 1;
      return data;
    },
  };
  for (const bytes of [leaf, leaf.subarray(0, 20)]) {
    const kind = bytes.length === 32 ? 'leaf' : 'tracker';
    const outcome = kindOf(await check({ kind, bytes }, archiveOf(box, { source: altered })), 'unverifiable');
    assert.equal(outcome.failure.check, 'LOG');
  }
  const lying = archiveOf(box, { receipt: async () => utf8(text.replace('index 1', 'index 0')) });
  kindOf(await check({ kind: 'leaf', bytes: leaf }, lying), 'unverifiable');
  assert.equal(kindOf(await checkFile(receipt, lying), 'found').checked.index, 1, 'a bad newer receipt changes nothing');
});

test('a network that fails is neither good nor bad news', async () => {
  const { box, leaf } = await voted();
  const down = async (): Promise<never> => Promise.reject(new Error('down'));
  await assert.rejects(check({ kind: 'leaf', bytes: leaf }, archiveOf(box, { receipt: down })), /down/);
  await assert.rejects(check({ kind: 'tracker', bytes: leaf.subarray(0, 20) }, archiveOf(box, { source: { get: down } })), /down/);
});

test('what a voter types, scans or opens', () => {
  const leaf = 'ab'.repeat(32);
  for (const text of [leaf, ` ${leaf} `, `https://x.example/recibo#${leaf}`, `#${leaf}`]) {
    const wanted = wantedOf(text);
    assert.deepEqual([wanted?.kind, wanted && hex(wanted.bytes)], ['leaf', leaf]);
  }
  const tracker = wantedOf('ya8b-1a1t bwyt-vqqr-vdhj-spr2-c7ys-mw2c');
  assert.deepEqual([tracker?.kind, tracker?.bytes.length], ['tracker', 20]);
  for (const text of ['', '#', leaf.slice(1), leaf.toUpperCase(), 'YA8B-1A1T-BWYT-VQQR-VDHJ-SPR2-C7YS-MW2', 'UUUU-1A1T-BWYT-VQQR-VDHJ-SPR2-C7YS-MW2C']) {
    assert.equal(wantedOf(text), null, text);
  }
  assert.equal(otherHost('https://evil.example/recibo#x', 'vote.example'), 'evil.example');
  assert.equal(otherHost('https://vote.example/recibo#x', 'vote.example'), null);
  assert.equal(otherHost('YA8B-1A1T', 'vote.example'), null);
  const data = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.match(fragmentOf(data), /^[A-Za-z0-9_-]+$/);
  assert.deepEqual(bytesOf(fragmentOf(data)), data);
  assert.equal(bytesOf('a+b/c*'), null);
  const payload = utf8(`{"a":"${leaf}"}`);
  assert.deepEqual(payloadOf(challengeLink('https://vote.example/reto', payload).split('#')[1]!), payload);
});
