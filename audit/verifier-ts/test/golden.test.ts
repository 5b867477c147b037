import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHECKS, Undecided } from '../src/core/failure.js';
import { parsePolicy } from '../src/core/policy.js';
import { utf8 } from '../src/core/bytes.js';
import { verifySignature } from '../src/core/ed25519.js';
import { randomBytes } from '../src/io/random.js';
import { flipped, golden, goldenPolicy, hostWith, vectorJson, verifyFiles } from './helpers.js';

test('the golden record is valid, with the expected result', async () => {
  const { report } = await verifyFiles(golden());
  const expected = vectorJson<{ certified: boolean; batches: unknown }>('golden/expected.json');
  assert.equal(report.verdict, 'valid');
  assert.equal(report.stage, 'certified');
  assert.equal(report.first_failure, null);
  assert.equal(report.certified, expected.certified);
  assert.deepEqual(JSON.parse(JSON.stringify(report.result)), expected.batches);
  assert.deepEqual(report.checks.map(({ id }) => id), [...CHECKS]);
  assert.ok(report.checks.every(({ status, where, party }) => status === 'passed' && where === null && party === null));
});

test('the report is the same by the signatures of this program alone, without the library of the host', async () => {
  const alone = hostWith({ random: randomBytes, verify: verifySignature });
  assert.deepEqual(await verifyFiles(golden(), goldenPolicy(), alone), await verifyFiles(golden()));
  for (const log of ['registry', 'ballot', 'tally']) {
    const note = golden().get(`${log}/checkpoint`)!;
    const files = flipped(`${log}/checkpoint`, note.length - 10);
    assert.equal((await verifyFiles(files, goldenPolicy(), alone)).report.first_failure, 'NOTE');
  }
});

const WRITERS: Record<string, string> = { registry: 'registry', ballot: 'ballot-box', tally: 'tally' };

test('every file of the record matters: a changed byte is refused with the right id', async () => {
  for (const [path, bytes] of golden()) {
    const folder = path.split('/')[0]!;
    const check = folder === 'blob' ? 'BLOB-DIGEST' : path.endsWith('/checkpoint') ? 'NOTE' : 'LOG';
    for (const at of new Set([0, bytes.length >> 1, bytes.length - 1])) {
      const { report } = await verifyFiles(flipped(path, at));
      const failed = report.checks.filter(({ status }) => status === 'failed');
      assert.equal(report.verdict, 'invalid', `${path} at ${at}`);
      assert.equal(report.first_failure, check, `${path} at ${at}`);
      assert.deepEqual(failed.map(({ id }) => id), [check]);
      if (folder !== 'blob') assert.equal(failed[0]!.party, WRITERS[folder]);
      assert.deepEqual(report.result, []);
      assert.equal(report.certified, false);
    }
  }
});

test('every file of the record is needed, at its full length and no more', async () => {
  for (const [path, bytes] of golden()) {
    const check = path.startsWith('blob/') ? 'BLOB-DIGEST' : path.endsWith('/checkpoint') ? 'NOTE' : 'LOG';
    const absent = golden();
    absent.delete(path);
    const missing = await verifyFiles(absent);
    assert.equal(missing.report.first_failure, check, `${path} missing`);
    for (const other of [bytes.slice(0, -1), new Uint8Array([...bytes, 0])]) {
      const { report } = await verifyFiles(golden().set(path, other));
      assert.equal(report.first_failure, check, `${path} with ${other.length} bytes`);
    }
  }
});

test('a file beside the record changes nothing, but one named like a blob is checked', async () => {
  const harmless = golden().set('blob/notes.txt', utf8('x')).set('tally/tile/0/001', new Uint8Array(32));
  assert.equal((await verifyFiles(harmless)).report.verdict, 'valid');
  const { report } = await verifyFiles(golden().set(`blob/${'0'.repeat(64)}`, utf8('x')));
  assert.equal(report.first_failure, 'BLOB-DIGEST');
});

test('a log that is gone altogether is missed by what cites it', async () => {
  const without = (log: string) => new Map([...golden()].filter(([path]) => !path.startsWith(`${log}/`)));
  assert.equal((await verifyFiles(without('ballot'))).report.first_failure, 'CHECKPOINT');
  assert.equal((await verifyFiles(without('registry'))).report.first_failure, 'CHECKPOINT');
  const { report } = await verifyFiles(new Map());
  assert.equal(report.first_failure, 'ORDER');
  assert.equal(report.stage, 'empty');
  assert.deepEqual(report.checks.find(({ id }) => id === 'ORDER'), { id: 'ORDER', status: 'failed', where: 'tally/0', party: 'tally' });
});

type Loose = { authority: string; quorum: number; auditors: Record<string, { sign: string; witness: string[] }>; logs: Record<string, string> };

test('another policy refuses the same record', async () => {
  const changed = async (change: (policy: Loose) => void) => {
    const policy = vectorJson<Loose>('golden/policy.json');
    change(policy);
    return (await verifyFiles(golden(), parsePolicy(utf8(JSON.stringify(policy))))).report.first_failure;
  };
  assert.equal(await changed((policy) => (policy.authority = '00'.repeat(32))), 'MANIFEST-AUTHORITY');
  assert.equal(await changed((policy) => (policy.auditors['auditor/2']!.sign = '00'.repeat(32))), 'MANIFEST-AUDITORS');
  assert.equal(await changed((policy) => ([policy.logs.ballot, policy.logs.tally] = [policy.logs.tally!, policy.logs.ballot!])), 'NOTE');
  // Two keys of one auditor are one auditor.
  assert.equal(await changed((policy) => {
    policy.auditors['auditor/1']!.witness.push(...policy.auditors['auditor/2']!.witness);
    policy.auditors['auditor/2']!.witness = [];
  }), 'NOTE');
  // The law wants two auditors: a policy that asks for fewer is of no use.
  await assert.rejects(changed((policy) => (policy.quorum = 1)), Undecided);
});
