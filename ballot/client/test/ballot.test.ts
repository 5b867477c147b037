/** Ballots: the same bytes from the same randomness as Python makes, the same work for every choice, cast or challenged. */

import assert from 'node:assert/strict';
import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import { test } from 'node:test';
import { Prepared, prepare, sign } from '../src/core/ballot.ts';
import { offer as offerForm } from '../src/core/bodies.ts';
import { hex, unhex, utf8 } from '../src/core/bytes.ts';
import { challengePayload, checkChallenge, compactChallenge } from '../src/core/challenge.ts';
import { choicesOf, encodeChoice, problemOf, readChoices, tidyWriteIn, type Choice } from '../src/core/choice.ts';
import { publicCredential } from '../src/core/credential.ts';
import { Election } from '../src/core/election.ts';
import { decode, withTables } from '../src/core/group.ts';
import { canonical, type Json } from '../src/core/json.ts';
import { fingerprintOf } from '../src/core/tracker.ts';
import { vectors } from './files.ts';

const given = vectors('ballot-ts.json');
interface Case {
  name: string; urn: string; choices: Json; credential: string; random: string; fingerprint: string; entry: string; leaf_hash: string; opening: string;
}
const cases: Case[] = given.cases;

/** An election of the vectors: `openElection` is tested elsewhere. */
function election(): Election {
  const manifest = { election_id: given.election_id, name: {}, timeline: {} };
  const policy = { logs: { ballot: { name: given.ballot_log } } };
  const key = withTables(decode(unhex(given.joint_key)));
  const everybody = { has: async () => true };
  return new Election(manifest as never, policy as never, offerForm(given.offer), unhex(given.context), key, everybody as never, {} as never);
}

/** Exactly these bytes, and no more. */
function stream(text: string): { random: (count: number) => Uint8Array; left: () => number } {
  let rest = unhex(text);
  return {
    random: (count) => {
      assert.ok(count <= rest.length, 'more randomness than Python takes');
      const taken = rest.slice(0, count);
      rest = rest.slice(count);
      return taken;
    },
    left: () => rest.length,
  };
}

async function prepared(one: Case, random?: (count: number) => Uint8Array): Promise<{ e: Election; ballot: Prepared }> {
  const e = election();
  const credential = publicCredential(unhex(one.credential), e.id);
  await e.confirm(one.urn, credential);
  const choices = readChoices(e.contests(one.urn), one.choices);
  return { e, ballot: prepare(e, one.urn, credential, choices, random) };
}

for (const one of cases) {
  test(`the bytes of Python: ${one.name}`, async () => {
    const first = stream(one.random);
    const { e, ballot } = await prepared(one, first.random);
    assert.equal(first.left(), 0);
    assert.equal(hex(ballot.fingerprint), one.fingerprint);
    const secret = unhex(one.credential);
    const signed = sign(ballot, secret, e);
    assert.equal(Buffer.from(signed.entry).toString(), one.entry);
    assert.equal(hex(signed.leaf), one.leaf_hash);
    assert.deepEqual(secret, new Uint8Array(16), 'the secret is overwritten');
    const again = await prepared(one, stream(one.random).random);
    const payload = challengePayload(again.ballot, e);
    assert.equal(Buffer.from(payload).toString(), one.opening);
    for (const form of [payload, compactChallenge(payload)]) {
      const { choices, fingerprint } = checkChallenge(e, form, unhex(one.fingerprint).subarray(0, 20));
      assert.equal(hex(fingerprint), one.fingerprint);
      assert.deepEqual(choices, readChoices(e.contests(one.urn), one.choices));
    }
  });
}

test('a ballot is cast or challenged, once', async () => {
  const [one] = cases as [Case];
  const secret = (): Uint8Array => unhex(one.credential);
  for (const first of [(b: Prepared, e: Election) => sign(b, secret(), e), challengePayload]) {
    const { e, ballot } = await prepared(one);
    first(ballot, e);
    assert.throws(() => sign(ballot, secret(), e), { code: 'ballot-spent' });
    assert.throws(() => challengePayload(ballot, e), { code: 'ballot-spent' });
  }
});

test('another credential signs nothing, and spends nothing', async () => {
  const [one, other] = cases as [Case, Case];
  const { e, ballot } = await prepared(one);
  assert.throws(() => sign(ballot, unhex(other.credential), e), { code: 'credential-not-on-roll' });
  assert.ok(sign(ballot, unhex(one.credential), e).entry.length > 0);
});

test('nothing is encrypted for a credential that was not found on the roll', () => {
  const [one] = cases as [Case];
  const e = election();
  const choices = readChoices(e.contests(one.urn), one.choices);
  assert.throws(() => prepare(e, one.urn, publicCredential(unhex(one.credential), e.id), choices), { code: 'credential-not-on-roll' });
});

test('two ballots of one choice share nothing', async () => {
  const [one] = cases as [Case];
  const [a, b] = [(await prepared(one)).ballot.body, (await prepared(one)).ballot.body];
  const all = [a, b].flatMap(({ contests }) => contests.flatMap(({ ciphertexts }) => ciphertexts.flatMap((c) => [c.a, c.b])));
  assert.equal(new Set(all).size, all.length);
});

test('A21: whatever is chosen, the same operations and the same size', async () => {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  const seen = new Map<string, string>();
  for (const one of cases.filter(({ urn }) => urn === 'urna-17')) {
    const drawn: number[] = [];
    const random = (count: number): Uint8Array => {
      drawn.push(count);
      return crypto.getRandomValues(new Uint8Array(count));
    };
    const e = election();
    const credential = publicCredential(unhex(one.credential), e.id);
    await e.confirm(one.urn, credential);
    const choices = readChoices(e.contests(one.urn), one.choices);
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
    const ballot = prepare(e, one.urn, credential, choices, random);
    const { result } = await session.post('Profiler.takePreciseCoverage');
    await session.post('Profiler.stopPreciseCoverage');
    const { entry } = sign(ballot, unhex(one.credential), e);
    seen.set(one.name, JSON.stringify([calls(result), drawn, entry.length]));
  }
  session.disconnect();
  assert.ok([...seen.values()].every((each) => each.includes('"decodes",128')), 'two blocks are tried with 64 counters each');
  assert.equal(new Set(seen.values()).size, 1, [...seen].join('\n'));
});

/** How often everything was called that works on blocks, points, transcripts and hashes. */
function calls(coverage: Profiler.ScriptCoverage[]): [string, number][] {
  const found = new Map<string, number>();
  for (const { url, functions } of coverage) {
    const mine = /core\/(blocks|transcript|group)\.js$/.test(url);
    const theirs = /@noble\/(curves\/abstract\/edwards|hashes\/sha2)\.js$/.test(url);
    for (const { functionName: name, ranges } of functions) {
      if (mine || (theirs && ['add', 'double', 'multiply', 'process'].includes(name))) {
        found.set(name, (found.get(name) ?? 0) + ranges[0]!.count);
      }
    }
  }
  return [...found].sort();
}

test('what a contest allows', () => {
  const [presidency, senate] = offerForm(given.offer).contests as [never, never];
  const marks = (...options: number[]): Choice => ({ kind: 'marks', options });
  const write = (text: string): Choice => ({ kind: 'write-in', text });
  for (const choice of [marks(0), marks(6), marks(0, 1), marks(0, 2), marks(3, 4), marks(0, 1, 2), write('x'), write('ñ'.repeat(29)), { kind: 'null' } as const]) {
    assert.equal(problemOf(presidency, choice), null, JSON.stringify(choice));
    assert.equal(encodeChoice(presidency, choice).length, 60);
  }
  for (const choice of [marks(), marks(7), marks(-1), marks(0.5), marks(0, 0), marks(1, 0), marks(0, 3), marks(0, 6), marks(0, 1, 2, 3), marks(5, 6)]) {
    assert.equal(problemOf(presidency, choice), 'marks-invalid', JSON.stringify(choice));
    assert.throws(() => encodeChoice(presidency, choice), { code: 'marks-invalid' });
  }
  assert.equal(problemOf(presidency, write('')), 'write-in-empty');
  assert.equal(problemOf(presidency, write('ñ'.repeat(29) + 'x')), 'write-in-too-long');
  for (const text of ['e\u0301', '\u00a0', '\u00ad', '\u0250', '\n', '\u200b', '\ud800', '💥', 'Ж']) {
    assert.equal(problemOf(presidency, write(text)), 'write-in-character', JSON.stringify(text));
  }
  assert.equal(problemOf(senate, write('x')), 'write-in-too-long');
  assert.equal(tidyWriteIn(' Jose\u0301 '), 'José');
  assert.deepEqual(choicesOf(presidency).coalitions.map(({ options }) => options), [[0, 1, 2], [3, 4]]);
});

test('choices are complete and name what exists', () => {
  const e = election();
  const contests = e.contests('urna-17');
  for (const [code, value] of [
    ['choice-missing', {}], ['choice-missing', { presidencia: 'null', more: 'null' }], ['choice-unreadable', []], ['choice-unreadable', { presidencia: null }],
    ['choice-unreadable', { presidencia: 'nul' }], ['choice-unreadable', { presidencia: { marks: ['nobody'] } }], ['choice-unreadable', { presidencia: { marks: ['pan', 'pan'] } }],
    ['choice-unreadable', { presidencia: { marks: ['pan'], write_in: 'x' } }], ['choice-unreadable', { presidencia: { write_in: 1 } }], ['choice-unreadable', { presidencia: { marks: [0] } }],
  ] as [string, Json][]) {
    assert.throws(() => readChoices(contests, value), { code }, JSON.stringify(value));
  }
  assert.throws(() => e.contests('nowhere'), { code: 'urn-unknown' });
});

test('a challenge finds every lie', () => {
  const e = election();
  const one = cases.find(({ name }) => name === 'three contests')!;
  const shown = unhex(one.fingerprint);
  const opening = (): Record<string, never> => JSON.parse(one.opening);
  const check = (value: unknown, fingerprint = shown): unknown => checkChallenge(e, canonical(value as Json), fingerprint);
  check(opening());
  const lies: [string, (value: any) => void][] = [
    ['another choice', (v) => { v.choices.senadurias = { marks: ['pan'] }; }],
    ['another combination', (v) => { v.choices.presidencia = { marks: ['pvem'] }; }],
    ['another r', (v) => { v.randomness[1] = v.randomness[0]; }],
    ['an r too few', (v) => { v.randomness.pop(); }],
    ['an r too many', (v) => { v.randomness.push(v.randomness[0]); }],
  ];
  for (const [what, lie] of lies) {
    const value = opening();
    lie(value);
    assert.throws(() => check(value), { code: 'challenge-failed' }, what);
  }
  assert.throws(() => check(opening(), shown.map((value, i) => (i === 19 ? value ^ 1 : value))), { code: 'challenge-failed' });
  assert.throws(() => check(opening(), shown.subarray(0, 19)), { code: 'challenge-failed' });
  const forms: [string, (value: any) => void][] = [
    ['CANONICAL', (v) => { v.more = 1; }], ['CANONICAL', (v) => { v.randomness[0] = v.randomness[0].toUpperCase() + 'A'; }],
    ['SCALAR', (v) => { v.randomness[0] = 'ff'.repeat(32); }],
  ];
  for (const [found, form] of forms) {
    const value = opening();
    form(value);
    assert.throws(() => check(value), { check: found });
  }
  assert.throws(() => checkChallenge(e, utf8(`${one.opening}\n`), shown), { check: 'CANONICAL' });
});

test('the compact form of a challenge finds the same lies, and is short', () => {
  const e = election();
  const one = cases.find(({ name }) => name === 'three contests')!;
  const shown = unhex(one.fingerprint);
  const honest = compactChallenge(utf8(one.opening));
  checkChallenge(e, honest, shown);
  assert.ok(honest.length * 2 < one.opening.length);
  for (const lie of [
    (v: any) => { v.choices.senadurias = { marks: ['pan'] }; }, (v: any) => { v.randomness[1] = v.randomness[0]; },
    (v: any) => { v.ballot.contests[0].pok[0].commitment = '00'.repeat(32); },
  ]) {
    const value = JSON.parse(one.opening);
    lie(value);
    assert.throws(() => checkChallenge(e, compactChallenge(canonical(value)), shown), { code: 'challenge-failed' });
  }
  // A device that encrypted something else has other ciphertexts under the fingerprint that it showed.
  const other = JSON.parse(one.opening);
  [other.ballot.contests[0].ciphertexts[0].a] = [other.ballot.contests[0].ciphertexts[0].b];
  const forged = fingerprintOf(canonical(other.ballot));
  assert.throws(() => checkChallenge(e, compactChallenge(canonical(other)), forged), { code: 'challenge-failed' });
  for (const [found, data] of [
    ['CANONICAL', honest.subarray(0, 2)], ['CANONICAL', honest.subarray(0, honest.length - 1)], ['CANONICAL', Uint8Array.of(...honest, 0)],
    ['CANONICAL', honest.map((byte, i) => (i === 3 ? 0x20 : byte))], ['CANONICAL', Uint8Array.of(2, ...honest.subarray(1))],
    ['SCALAR', honest.map((byte, i) => (i >= honest.length - 96 && i < honest.length - 64 ? 255 : byte))],
  ] as [string, Uint8Array][]) {
    assert.throws(() => checkChallenge(e, data, shown), { check: found });
  }
});
