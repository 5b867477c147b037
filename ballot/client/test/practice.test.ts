/** The practice election and the ballot box that lives in the page, held against the core that voters use. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  CheckFailed, NotFound, Refused, challengePayload, checkChallenge, hex, openElection, parseCredential, parsePolicy, parseShown, prepare,
  publicCredential, receiptFile, sign, verifyAnswer, verifyContinued, verifyReceipt, verifyReceiptFile,
  type Choice, type Election, type Policy, type Source,
} from '../src/core/index.ts';
import { utf8 } from '../src/core/bytes.ts';
import { verifyInclusion } from '../src/core/merkle.ts';
import { PracticeBox } from '../src/ui/practice/box.ts';
import { parsePractice } from '../src/ui/practice/election.ts';
import { MemoryLog } from '../src/ui/practice/log.ts';
import { vectorPath } from './files.ts';

const FILE = readFileSync(fileURLToPath(new URL('../../../practice/election.json', import.meta.url)), 'utf8');
const practice = parsePractice(FILE);
const CHOICES = new Map<string, Choice>([
  ['presidencia', { kind: 'marks', options: [0, 1] }],
  ['senadurias', { kind: 'write-in', text: 'Persona Inventada' }],
]);

async function begun(): Promise<{ box: PracticeBox; election: Election; credential: string; secret: Uint8Array }> {
  const box = new PracticeBox(practice, () => Date.parse('2026-06-01T12:00:00Z'));
  const election = await openElection(box, box.policy);
  const secret = parseCredential(practice.voter.credential);
  const credential = publicCredential(secret, election.id);
  await election.confirm(practice.voter.urn, credential);
  return { box, election, credential, secret };
}

async function voted() {
  const { box, election, credential, secret } = await begun();
  const signed = sign(prepare(election, practice.voter.urn, credential, CHOICES), secret, election);
  return { box, election, signed, answer: box.cast(signed.entry) };
}

test('the practice election is verified as a real one is', async () => {
  const { election } = await begun();
  assert.match(election.name.es, /^SIMULACRO/);
  assert.match(election.name.en, /^MOCK/);
  assert.deepEqual(election.contests(practice.voter.urn).map(({ id }) => id), ['presidencia', 'senadurias']);
  for (const origin of Object.values(practice.checkpoints)) assert.match(Buffer.from(origin).toString(), /^practica\.vemre\.invalid\//);
});

test('a ballot goes into the log, and its receipt completes as the auditors cosign', async () => {
  const { box, signed, answer } = await voted();
  const first = verifyAnswer(answer, signed.entry, box.policy);
  assert.deepEqual([first.index, first.size, first.auditors, first.quorumReached], [1, 2, [], false]);
  box.cosign('auditor/2');
  assert.deepEqual(verifyReceipt(box.receipt(signed.leaf), signed.leaf, box.policy).missing, ['auditor/1']);
  box.cosign();
  const receipt = box.receipt(signed.leaf);
  const checked = verifyReceiptFile(receiptFile(receipt, signed.leaf), box.policy);
  assert.deepEqual([checked.tracker, checked.auditors, checked.quorumReached], [signed.tracker, ['auditor/1', 'auditor/2'], true]);
  assert.equal(await verifyContinued(first, box, box.policy), 2);
  // The Python that runs these tests judges the same files with the auditors' own command.
  if (process.env['VEMRE_PRACTICE_OUT'] !== undefined) {
    const out = process.env['VEMRE_PRACTICE_OUT'];
    writeFileSync(`${out}/practice.tlog-proof`, receiptFile(receipt, signed.leaf));
    writeFileSync(`${out}/pending.tlog-proof`, answer.receipt);
    writeFileSync(`${out}/entry.json`, signed.entry);
    writeFileSync(`${out}/practice-policy.json`, practice.policy);
  }
});

test('one credential votes once; the same bytes again get the same answer', async () => {
  const { box, election, signed, answer } = await voted();
  box.cosign();
  assert.deepEqual(box.cast(signed.entry), answer);
  const secret = parseCredential(practice.voter.credential);
  const again = sign(prepare(election, practice.voter.urn, publicCredential(secret, election.id), CHOICES), secret, election);
  assert.throws(() => box.cast(again.entry), { code: 'already-voted' });
});

test('what is no ballot of the practice voter is refused', async () => {
  const { box, election, credential, secret } = await begun();
  const { entry } = sign(prepare(election, practice.voter.urn, credential, CHOICES), secret, election);
  const text = Buffer.from(entry).toString();
  const altered: [string, RegExp | object][] = [
    [text.replace(/"signature":"(.)/, (_, c: string) => `"signature":"${c === '0' ? '1' : '0'}`), { check: 'RECORD-SIGNATURE' }],
    [text.replaceAll(credential, '11'.repeat(32)), { code: 'other-credential' }],
    [text.replace(election.ballotLog, 'vemre.example/x/ballot'), { check: 'RECORD-ROLE' }],
    [`${text} `, { check: 'CANONICAL' }],
    ['{}', { check: 'CANONICAL' }],
  ];
  for (const [bytes, expected] of altered) {
    assert.notEqual(bytes, text);
    assert.throws(() => box.cast(utf8(bytes)), expected);
  }
  assert.throws(() => box.receipt(new Uint8Array(32)), NotFound);
});

test('a challenged practice ballot opens on a second device', async () => {
  const { election, credential } = await begun();
  const prepared = prepare(election, practice.voter.urn, credential, CHOICES);
  const fingerprint = parseShown(prepared.fingerprintShown)!;
  const payload = challengePayload(prepared, election);
  const second = await openElection(new PracticeBox(practice), parsePolicy(practice.policy));
  assert.deepEqual(checkChallenge(second, payload, fingerprint).choices, CHOICES);
});

test('nothing real accepts anything of the practice election, nor the other way round', async () => {
  const { box, signed, answer } = await voted();
  box.cosign();
  const real: Policy = parsePolicy(new Uint8Array(readFileSync(vectorPath('golden/policy.json'))));
  const refused = (error: unknown): boolean => error instanceof CheckFailed || error instanceof Refused;
  await assert.rejects(openElection(box, real), refused);
  assert.throws(() => verifyAnswer(answer, signed.entry, real), refused);
  assert.throws(() => verifyReceiptFile(box.receipt(signed.leaf), real), refused);
  const golden = (path: string): Uint8Array => new Uint8Array(readFileSync(vectorPath(`golden/record/${path}`)));
  const source: Source = { get: async (path, log) => golden(log === 'blob' ? `blob/${path}` : `${log}/${path === 'cosigned' ? 'checkpoint' : path}`) };
  await assert.rejects(openElection(source, box.policy), refused);
  const keys = (policy: Policy): string[] => [
    ...Object.values(policy.logs), ...[...policy.witnesses.values()].flat(),
  ].flatMap(({ name, public: key }) => [name, hex(key)]);
  assert.deepEqual(keys(real).filter((key) => keys(box.policy).includes(key)), []);
});

test('the log in memory is the tree of RFC 6962 at every size', () => {
  const log = new MemoryLog([]);
  for (let size = 1; size <= 40; size++) {
    log.append(utf8(`entry ${size}`));
    for (let index = 0; index < size; index++) verifyInclusion(index, size, log.leaf(index), log.inclusion(index), log.root());
  }
  assert.deepEqual(log.root(7), new MemoryLog(Array.from({ length: 7 }, (_, i) => utf8(`entry ${i + 1}`))).root());
  for (const path of ['tile/0/000.p/41', 'tile/0/000', 'tile/1/000.p/1', 'tile/0/001.p/1', 'tile/0/000.p/0', 'x']) {
    assert.throws(() => log.tile(path), NotFound);
  }
  assert.equal(log.tile('tile/0/000.p/40').length, 40 * 32);
});
