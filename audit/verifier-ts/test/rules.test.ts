/**
 * One broken rule at a time. Nobody can sign for the golden record's parties, so these tests change entries after they
 * were authenticated and run every later check but those of signatures and digests.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, sha256, toHex, utf8 } from '../src/core/bytes.js';
import { Election } from '../src/core/election.js';
import { CheckFailed, type CheckId } from '../src/core/failure.js';
import { canonicalBytes } from '../src/core/json.js';
import type { Entry } from '../src/core/record.js';
import { stages } from '../src/core/verify.js';
import { type Files, golden, goldenElection, goldenPolicy, host, MemorySource } from './helpers.js';

const AUTHENTICITY: CheckId[] = ['BLOB-DIGEST', 'NOTE', 'CHECKPOINT', 'RECORD-SIGNATURE', 'BALLOT-SIGNATURE'];

/** Bodies as tests change them. */
type Loose = any;
type Logs = Record<'registry' | 'ballot' | 'tally', { -readonly [K in keyof Entry]: Loose }[]>;

interface World {
  readonly logs: Logs;
  readonly files: Files;
  /** Puts a blob into the record and answers how a body names it. */
  readonly blob: (bytes: Uint8Array) => { sha256: string; size: number };
  readonly read: (ref: { sha256: string }) => Uint8Array;
}

const source = await goldenElection();

async function firstFailure(change: (world: World) => void, skip = AUTHENTICITY): Promise<CheckFailed | null> {
  const files = golden();
  const copy = (entries: readonly Entry[]) => entries.map((entry) => ({ ...entry, body: structuredClone(entry.body) }));
  const logs = { registry: copy(source.logs.registry), ballot: copy(source.logs.ballot), tally: copy(source.logs.tally) } as Logs;
  const blob = (bytes: Uint8Array) => {
    const ref = { sha256: toHex(sha256(bytes)), size: bytes.length };
    files.set(`blob/${ref.sha256}`, bytes);
    return ref;
  };
  change({ logs, files, blob, read: (ref) => files.get(`blob/${ref.sha256}`)!.slice() });
  for (const [log, entries] of Object.entries(logs)) {
    entries.forEach((entry, position) => Object.assign(entry, { position, where: `${log}/${position}` }));
  }
  const e = new Election(goldenPolicy(), new MemorySource(files), host, logs as never, source.trees);
  for (const [id, check] of stages([])) {
    if (skip.includes(id)) continue;
    try {
      await check(e);
    } catch (error) {
      if (error instanceof CheckFailed) return error;
      throw error;
    }
  }
  return null;
}

const find = (world: World, type: string, nth = 0): Loose =>
  [...world.logs.registry, ...world.logs.ballot, ...world.logs.tally].filter((entry) => entry.type === type)[nth];
const body = (world: World, type: string, nth = 0): Loose => find(world, type, nth).body;

/** Setup names the manifest by its digest, and every context follows from setup: a test of a later rule mends both. */
function offer(world: World, change: (offer: Loose) => void): void {
  const manifest = body(world, 'manifest');
  const value = JSON.parse(new TextDecoder().decode(world.read(manifest.offer)));
  change(value);
  manifest.offer = world.blob(canonicalBytes(value));
}

const remove = (world: World, type: string, nth = 0): void => {
  const entry = find(world, type, nth);
  for (const log of Object.values(world.logs)) if (log.includes(entry)) log.splice(log.indexOf(entry), 1);
};

const IDENTITY = '00'.repeat(32);
const NOT_AN_ELEMENT = '01' + '00'.repeat(31);
const TOO_LARGE = 'ff'.repeat(32);
const OTHER = 'e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76';

function patchBlob(world: World, holder: Loose, field: string, change: (bytes: Uint8Array) => void): void {
  const bytes = world.read(holder[field]);
  change(bytes);
  holder[field] = world.blob(bytes);
}

const swap = (list: Loose[], i: number, j: number): void => void ([list[i], list[j]] = [list[j], list[i]]);

const CASES: [check: CheckId, party: string | null, about: string, change: (world: World) => void][] = [
  ['RECORD-ROLE', 'tally', 'made for another log', (w) => (find(w, 'drill').origin = 'x')],
  ['RECORD-ROLE', 'ballot-box', 'a ballot made for another log', (w) => (find(w, 'ballot').origin = 'x')],
  ['RECORD-ROLE', 'tally', 'a signer that is no role', (w) => (find(w, 'drill').signer = 'trustee/9')],
  ['RECORD-ROLE', 'mixer/1', 'a signer of another kind', (w) => (find(w, 'setup').signer = 'mixer/1')],
  ['ORDER', 'tally', 'no manifest', (w) => remove(w, 'manifest')],
  ['ORDER', 'tally', 'two setups', (w) => w.logs.tally.splice(15, 0, { ...find(w, 'setup') })],
  ['ORDER', 'tally', 'too late', (w) => w.logs.tally.push({ ...find(w, 'shuffle') })],
  ['ORDER', 'ballot-box', 'not begun with open', (w) => swap(w.logs.ballot, 0, 1)],
  ['ORDER', 'ballot-box', 'a ballot after the close', (w) => swap(w.logs.ballot, 10, 11)],
  ['ORDER', 'ballot-box', 'no place in this log', (w) => w.logs.ballot.splice(3, 0, { ...find(w, 'marks'), log: 'ballot', origin: find(w, 'close').origin })],
  ['ORDER', 'registry', 'marks without a roll', (w) => (remove(w, 'roll'), remove(w, 'roll-replace'))],
  ['ORDER', 'tally', 'no tally-input', (w) => remove(w, 'tally-input')],
  ['MANIFEST-AUTHORITY', 'authority', 'another key', (w) => (body(w, 'manifest').authority.sign = OTHER)],
  ['MANIFEST-LOGS', 'authority', 'another log', (w) => (body(w, 'manifest').tally.log = body(w, 'manifest').registry.log)],
  ['MANIFEST-AUDITORS', 'authority', 'another key', (w) => (body(w, 'manifest').auditors[1].sign = OTHER)],
  ['MANIFEST-IDS', 'authority', 'role ids out of order', (w) => swap(body(w, 'manifest').mixers, 0, 1)],
  ['CANONICAL', 'authority', 'an offer with an unknown field', (w) => offer(w, (o) => (o.more = 1))],
  ['CANONICAL', 'authority', 'an offer with a space', (w) => (body(w, 'manifest').offer = w.blob(utf8('{ }')))],
  ['MANIFEST-IDS', 'authority', 'an upper-case urn', (w) => offer(w, (o) => (o.urns[0].id = 'Urna'))],
  ['MANIFEST-IDS', 'authority', 'an urn twice', (w) => offer(w, (o) => (o.urns[1].id = o.urns[0].id))],
  ['MANIFEST-IDS', 'authority', 'a contest that does not exist', (w) => offer(w, (o) => o.urns[0].contests.push('x'))],
  ['MANIFEST-IDS', 'authority', 'a coalition of one', (w) => offer(w, (o) => (o.contests[0].coalitions[0].members = ['pan']))],
  ['MANIFEST-IDS', 'authority', 'an option in two coalitions', (w) => offer(w, (o) => o.contests[0].coalitions[1].members.push('pan'))],
  ['MANIFEST-IDS', 'authority', 'a coalition named as an option', (w) => offer(w, (o) => (o.contests[0].coalitions[0].id = 'mc'))],
  ['MANIFEST-KEYS', 'authority', 'a key twice', (w) => (body(w, 'manifest').mixers[0].sign = body(w, 'manifest').mixers[1].sign)],
  ['MANIFEST-POLICY', 'authority', 'one mixer', (w) => (body(w, 'manifest').policy.mixers = 1)],
  ['MANIFEST-POLICY', 'authority', 'a threshold of one', (w) => (body(w, 'manifest').trustees.threshold = 1)],
  ['MANIFEST-POLICY', 'authority', 'a threshold above the trustees', (w) => (body(w, 'manifest').trustees.threshold = 4)],
  ['MANIFEST-POLICY', 'authority', 'voting again', (w) => (body(w, 'manifest').policy.revote = 'last')],
  ['MANIFEST-POLICY', 'authority', 'batches of one', (w) => (body(w, 'manifest').policy.min_batch = 1)],
  ['MANIFEST-BLOCKS', 'authority', 'a block too many', (w) => offer(w, (o) => (o.contests[0].blocks = 3))],
  ['DKG-ORDER', 'trustee/1', 'a second commit', (w) => w.logs.tally.splice(4, 0, { ...find(w, 'dkg-commit') })],
  ['DKG-ORDER', 'trustee/1', 'a reveal before all commits', (w) => swap(w.logs.tally, 3, 4)],
  ['DKG-ORDER', 'trustee/1', 'the second attempt first', (w) => (body(w, 'dkg-commit').attempt = 2)],
  ['DKG-ORDER', 'authority', 'setup of another attempt', (w) => (body(w, 'setup').attempt = 2)],
  ['DKG-COMMIT', 'trustee/2', 'another digest', (w) => (body(w, 'dkg-commit', 1).digest = IDENTITY)],
  ['DKG-SHARES', 'trustee/1', 'a box too few', (w) => body(w, 'dkg-shares').shares.pop()],
  ['DKG-SHARES', 'trustee/1', 'two boxes for one', (w) => (body(w, 'dkg-shares').shares[0].to = 'trustee/2')],
  ['DKG-ACK', 'trustee/1', 'another transcript', (w) => (body(w, 'dkg-ack').transcript = IDENTITY)],
  ['DKG-ACK', 'trustee/3', 'no acknowledgement', (w) => remove(w, 'dkg-ack', 2)],
  ['DRILL', 'tally', 'no drill before setup', (w) => remove(w, 'drill')],
  ['DRILL', 'tally', 'another number', (w) => (body(w, 'drill').number = 2)],
  ['DRILL', 'tally', 'not all before setup', (w) => body(w, 'drill').shares.pop()],
  ['DRILL', 'tally', 'fewer than the threshold', (w) => (body(w, 'drill').shares.length = 1)],
  ['DRILL', 'tally', 'a trustee twice', (w) => (body(w, 'drill').shares[1] = body(w, 'drill').shares[0])],
  ['DRILL', 'tally', 'before there is a key', (w) => w.logs.tally.splice(3, 0, w.logs.tally.splice(13, 1)[0]!)],
  ['DRILL', 'trustee/2', 'a wrong proof', (w) => (body(w, 'drill').shares[1].proof.response = IDENTITY)],
  ['ELEMENT', 'tally', 'a drill share that is no element', (w) => (body(w, 'drill').shares[0].share = NOT_AN_ELEMENT)],
  ['ROLL-URNS', 'registry', 'urns out of order', (w) => swap(body(w, 'roll').urns, 0, 1)],
  ['ROLL-URNS', 'authority', 'lnere out of order', (w) => swap(body(w, 'setup').lnere, 0, 1)],
  ['ROLL-KEYS', 'registry', 'a credential of small order', (w) => patchBlob(w, body(w, 'roll').urns[0], 'credentials', (b) => b.fill(0, 0, 32))],
  ['ROLL-KEYS', 'registry', 'a new key of no use', (w) => (body(w, 'roll-replace').new = IDENTITY)],
  ['ROLL-UNIQUE', 'registry', 'a credential twice', (w) => patchBlob(w, body(w, 'roll').urns[0], 'credentials', (b) => b.copyWithin(32, 0, 32))],
  ['ROLL-UNIQUE', 'registry', 'replaces what is not there', (w) => (body(w, 'roll-replace').urn = 'urna-17')],
  ['ROLL-UNIQUE', 'registry', 'brings back', (w) => (body(w, 'roll-replace').new = body(w, 'roll-replace').old)],
  ['ROLL-COUNT', 'registry', 'another count', (w) => (body(w, 'roll').urns[0].count = 8)],
  ['ROLL-COUNT', 'registry', 'another count of the authority', (w) => (body(w, 'setup').lnere[0].count = 8)],
  ['ROLL-FROZEN', 'registry', 'a late replacement', (w) => w.logs.registry.splice(2, 0, { ...find(w, 'roll-replace'), body: { ...body(w, 'roll-replace'), old: body(w, 'roll-replace').new, new: body(w, 'manifest').mixers[0].sign } })],
  ['SETUP', 'authority', 'another manifest', (w) => (body(w, 'setup').manifest_digest = IDENTITY)],
  ['SETUP', 'authority', 'another joint key', (w) => (body(w, 'setup').joint_key = OTHER)],
  ['SETUP', 'authority', 'other verification keys', (w) => swap(body(w, 'setup').verification_keys, 0, 1)],
  ['SETUP', 'authority', 'another roll', (w) => (body(w, 'setup').roll = IDENTITY)],
  ['SETUP', 'authority', 'opened for another setup', (w) => (body(w, 'open').setup = IDENTITY)],
  ['SYSTEM-TWO', 'authority', 'one opinion', (w) => body(w, 'open').opinions.pop()],
  ['SYSTEM-TWO', 'authority', 'one opinion twice', (w) => (body(w, 'open').opinions[1] = body(w, 'open').opinions[0])],
  ['SYSTEM-TWO', 'authority', 'an unfavourable opinion', (w) => (body(w, 'system-opinion').verdict = 'unfavourable')],
  ['SYSTEM-TWO', 'authority', 'another release', (w) => (body(w, 'system-opinion').release = IDENTITY)],
  ['CONTEXT', 'registry', 'of marks', (w) => (body(w, 'marks').context = IDENTITY)],
  ['CONTEXT', 'trustee/1', 'of a decryption', (w) => (body(w, 'decryption').context = IDENTITY)],
  ['ROWS', 'mixer/1', 'of a shuffle', (w) => (body(w, 'shuffle').rows = 5)],
  ['ROWS', 'mixer/1', 'of no batch', (w) => (body(w, 'shuffle').contest = 'x')],
  ['ROWS', 'tally', 'of tally-input', (w) => (body(w, 'tally-input').batches[0].rows = 5)],
  ['BALLOT-CONTEXT', 'ballot-box', 'another', (w) => (body(w, 'ballot').context = IDENTITY)],
  ['BALLOT-TIME', 'authority', 'opened early', (w) => (body(w, 'open').time = '2027-05-18T01:59:59Z')],
  ['BALLOT-TIME', 'ballot-box', 'closed early', (w) => (body(w, 'close').time = '2027-06-02T23:59:59Z')],
  ['BALLOT-ELIGIBLE', 'ballot-box', 'a stranger', (w) => (find(w, 'ballot').signer = OTHER)],
  ['BALLOT-ELIGIBLE', 'ballot-box', 'a block of a stranger', (w) => (body(w, 'block').credential = OTHER)],
  ['BALLOT-ELIGIBLE', 'ballot-box', 'a credential that was replaced', (w) => (body(w, 'block').credential = body(w, 'roll-replace').old)],
  ['BALLOT-ONCE', 'ballot-box', 'twice', (w) => (find(w, 'ballot', 1).signer = find(w, 'ballot').signer)],
  ['BALLOT-ONCE', 'ballot-box', 'after a block', (w) => (body(w, 'block').credential = find(w, 'ballot', 7).signer)],
  ['BALLOT-CONTESTS', 'ballot-box', 'one contest missing', (w) => body(w, 'ballot').contests.pop()],
  ['BALLOT-CONTESTS', 'ballot-box', 'contests out of order', (w) => body(w, 'ballot').contests.reverse()],
  ['BALLOT-CONTESTS', 'ballot-box', 'a block too few', (w) => body(w, 'ballot').contests[0].ciphertexts.pop()],
  ['BALLOT-CONTESTS', 'ballot-box', 'a proof too few', (w) => body(w, 'ballot').contests[0].pok.pop()],
  ['BALLOT-FRESH', 'ballot-box', 'a copied ciphertext', (w) => (body(w, 'ballot', 1).contests[0].ciphertexts[0] = body(w, 'ballot').contests[0].ciphertexts[0])],
  ['BALLOT-POK', 'ballot-box', 'a response changed', (w) => (body(w, 'ballot', 3).contests[0].pok[1].response = IDENTITY)],
  ['BALLOT-POK', 'ballot-box', 'a ciphertext changed', (w) => (body(w, 'ballot').contests[0].ciphertexts[0].b = OTHER)],
  ['ELEMENT', 'ballot-box', 'no element', (w) => (body(w, 'ballot').contests[0].ciphertexts[0].a = NOT_AN_ELEMENT)],
  ['IDENTITY', 'ballot-box', 'the identity', (w) => (body(w, 'ballot').contests[0].pok[0].commitment = IDENTITY)],
  ['SCALAR', 'ballot-box', 'too large a response', (w) => (body(w, 'ballot').contests[0].pok[0].response = TOO_LARGE)],
  ['CLOSE-COUNT', 'ballot-box', 'a ballot more', (w) => (body(w, 'close').counts[0].ballots += 1)],
  ['RECONCILE', 'registry', 'a mark more', (w) => (body(w, 'marks').counts[0].count += 1)],
  ['RECONCILE', 'registry', 'a country too many', (w) => (body(w, 'marks').countries[0].count += 1)],
  ['RECONCILE', 'registry', 'other before a code', (w) => (body(w, 'marks').countries = [{ country: 'other', count: 8 }, { country: 'US', count: 1 }])],
  ['TALLY-INPUT', 'tally', 'another list', (w) => (body(w, 'tally-input').batches[0].input = body(w, 'shuffle').output)],
  ['TALLY-INPUT', 'tally', 'batches out of order', (w) => swap(body(w, 'tally-input').batches, 0, 1)],
  ['MIX-CHAIN', 'mixer/1', 'one mixer twice', (w) => (find(w, 'shuffle', 3).signer = 'mixer/1')],
  ['MIX-CHAIN', 'mixer/2', 'no proof', (w) => (body(w, 'shuffle', 3).proof = null)],
  ['MIX-COUNT', 'tally', 'a mixer too few', (w) => remove(w, 'shuffle', 5)],
  ['SHUFFLE-LENGTH', 'mixer/1', 'a longer proof', (w) => (body(w, 'shuffle').proof = w.blob(new Uint8Array([...w.read(body(w, 'shuffle').proof), ...new Uint8Array(32)])))],
  ['SHUFFLE-LENGTH', 'mixer/1', 'a shorter output', (w) => (body(w, 'shuffle').output = w.blob(w.read(body(w, 'shuffle').output).slice(64)))],
  ['SHUFFLE', 'mixer/1', 'another output', (w) => patchBlob(w, body(w, 'shuffle'), 'output', (b) => b.set(fromHex(OTHER)))],
  ['SHUFFLE', 'mixer/2', 'another response', (w) => patchBlob(w, body(w, 'shuffle', 3), 'proof', (b) => b.fill(0, b.length - 32))],
  ['SHUFFLE', 'mixer/2', 'the proof of another mixer', (w) => { find(w, 'shuffle').signer = 'mixer/2'; find(w, 'shuffle', 3).signer = 'mixer/1'; }],
  ['SCALAR', 'mixer/1', 'too large a response', (w) => patchBlob(w, body(w, 'shuffle'), 'proof', (b) => b.fill(255, b.length - 32))],
  ['IDENTITY', 'mixer/1', 'the identity in the proof', (w) => patchBlob(w, body(w, 'shuffle'), 'proof', (b) => b.fill(0, 0, 32))],
  ['ELEMENT', 'mixer/1', 'no element in the output', (w) => patchBlob(w, body(w, 'shuffle'), 'output', (b) => b.set(fromHex(NOT_AN_ELEMENT)))],
  ['DECRYPT-ONCE', 'trustee/1', 'twice', (w) => (find(w, 'decryption', 3).signer = 'trustee/1')],
  ['DECRYPT-PROOF', 'trustee/1', 'a share too few', (w) => (body(w, 'decryption').shares = w.blob(w.read(body(w, 'decryption').shares).slice(32)))],
  ['DECRYPT-PROOF', 'trustee/1', 'another share', (w) => patchBlob(w, body(w, 'decryption'), 'shares', (b) => b.set(fromHex(OTHER)))],
  ['DECRYPT-PROOF', 'trustee/1', 'another response', (w) => (body(w, 'decryption').proof.response = IDENTITY)],
  ['DECRYPT-PROOF', 'trustee/3', 'no proof', (w) => (body(w, 'decryption', 3).proof = null)],
  ['DECRYPT-PROOF', 'trustee/2', 'the proof of another trustee', (w) => (find(w, 'decryption', 3).signer = 'trustee/2')],
  ['DECRYPT-QUORUM', 'tally', 'a trustee too few', (w) => remove(w, 'decryption')],
  ['RESULT', 'tally', 'a vote moved', (w) => { body(w, 'result-batch').options[0].votes -= 1; body(w, 'result-batch').options[1].votes += 1; }],
  ['RESULT', 'tally', 'another distribution', (w) => (body(w, 'result-batch').distributed[0].votes += 1)],
  ['RESULT', 'tally', 'an irregular row hidden', (w) => (body(w, 'result-batch').irregular = w.blob(utf8('[]')))],
  ['RESULT', 'tally', 'another write-in', (w) => (body(w, 'result-batch').write_ins.texts = w.blob(utf8('["Juárez"]')))],
  ['CANONICAL', 'tally', 'a list with a space', (w) => (body(w, 'result-batch').irregular = w.blob(utf8('[4 ]')))],
  ['RESULT', 'tally', 'one batch twice', (w) => w.logs.tally.splice(33, 0, { ...find(w, 'result-batch') })],
  ['RESULT', 'tally', 'a batch not named', (w) => body(w, 'result').batches.pop()],
  ['RESULT', 'tally', 'batches out of order', (w) => swap(body(w, 'result').batches, 0, 1)],
  ['OPINION', 'auditor/1', 'before the result', (w) => (body(w, 'opinion').tally = body(w, 'result').gate)],
  ['CERTIFY-TWO', 'authority', 'another result', (w) => (body(w, 'certification').result = IDENTITY)],
  ['CERTIFY-TWO', 'authority', 'one opinion', (w) => body(w, 'certification').opinions.pop()],
  ['CERTIFY-TWO', 'authority', 'one opinion twice', (w) => (body(w, 'certification').opinions[1] = body(w, 'certification').opinions[0])],
  ['CERTIFY-TWO', 'authority', 'an unfavourable opinion', (w) => (body(w, 'opinion', 1).verdict = 'unfavourable')],
  ['GATE', 'mixer/2', 'not the previous shuffle', (w) => (body(w, 'shuffle', 3).gate = body(w, 'shuffle').gate)],
  ['GATE', 'trustee/1', 'not the last shuffle', (w) => (body(w, 'decryption').gate = body(w, 'shuffle').gate)],
  ['GATE', 'tally', 'not all decryptions', (w) => (body(w, 'result').gate = body(w, 'decryption').gate)],
  ['GATE', 'authority', 'not the opinions', (w) => (body(w, 'certification').gate = body(w, 'opinion').tally)],
  ['GATE', 'authority', 'one auditor', (w) => (body(w, 'certification').gate = body(w, 'certification').gate.split('\n').slice(0, 6).join('\n') + '\n')],
];

test('the unchanged record passes every rule', async () => {
  assert.equal(await firstFailure(() => undefined, []), null);
});

for (const [check, party, about, change] of CASES) {
  test(`${check}: ${about}`, async () => {
    const failed = await firstFailure(change);
    assert.deepEqual([failed?.check, failed?.party], [check, party], failed?.message);
  });
}

test('digests and signatures see what the other tests hide', async () => {
  const none: CheckId[] = [];
  assert.equal((await firstFailure((w) => w.files.delete(`blob/${body(w, 'roll').urns[0].credentials.sha256}`), none))?.check, 'BLOB-DIGEST');
  assert.equal((await firstFailure((w) => (find(w, 'setup').signature = new Uint8Array(64)), none))?.check, 'RECORD-SIGNATURE');
  assert.equal((await firstFailure((w) => (find(w, 'ballot').signature = new Uint8Array(64)), none))?.check, 'BALLOT-SIGNATURE');
  const cut = (w: World) => (body(w, 'shuffle').gate = body(w, 'certification').gate);
  assert.equal((await firstFailure(cut, none))?.check, 'CHECKPOINT');
  assert.equal((await firstFailure((w) => (body(w, 'shuffle').gate = body(w, 'tally-input').ballot), none))?.check, 'NOTE');
});

test('every beginning of the logs is accepted', async () => {
  const cuts: [registry: number, ballot: number, tally: number][] = [
    [0, 0, 1], [0, 0, 3], [0, 0, 6], [1, 0, 12], [2, 0, 14], [2, 0, 15], [2, 0, 19], [2, 1, 19], [2, 5, 19], [2, 12, 19],
    [3, 12, 19], [3, 12, 20], [3, 12, 23], [3, 12, 27], [3, 12, 33], [3, 12, 36], [3, 12, 37],
  ];
  for (const [registry, ballot, tally] of cuts) {
    const cut = (w: World) => Object.assign(w.logs, {
      registry: w.logs.registry.slice(0, registry), ballot: w.logs.ballot.slice(0, ballot), tally: w.logs.tally.slice(0, tally),
    });
    assert.equal((await firstFailure(cut))?.message, undefined, `${registry} ${ballot} ${tally}`);
  }
});
