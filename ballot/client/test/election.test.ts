/** [CLIENT-SETUP] on the golden record: accepted as it is, refused with any damage to what an encryption rests on. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { hex, utf8 } from '../src/core/bytes.ts';
import { CheckFailed, Refused, openElection, parsePolicy } from '../src/core/index.ts';
import { openWith } from '../src/core/policy.ts';
import { LogReader } from '../src/core/reader.ts';
import { isOf, parseRecord } from '../src/core/record.ts';
import { folderSource, vectorPath } from './files.ts';

const RECORD = vectorPath('golden/record');
const policyBytes = new Uint8Array(readFileSync(vectorPath('golden/policy.json')));
const policy = parsePolicy(policyBytes);
const file = (path: string): Uint8Array => new Uint8Array(readFileSync(`${RECORD}/${path}`));

async function replaced(): Promise<{ urn: string; old: string; new: string }> {
  const source = folderSource(RECORD);
  const reader = await LogReader.open(source, 'registry', openWith(policy, 'registry', file('registry/checkpoint')));
  for await (const [index, entry] of reader.entries(0)) {
    const record = parseRecord(entry, `registry/${index}`);
    if (isOf(record, 'roll-replace')) return record.body;
  }
  throw new Error('the golden record has a replacement');
}

test('the golden record is accepted', async () => {
  const source = folderSource(RECORD);
  const election = await openElection(source, policy);
  assert.equal(election.id, '7b0c6f0e-4e0a-4f5e-9c41-0a6d9d1f2c33');
  assert.equal(hex(election.context), 'af09631f388f7cbf3467f0bfeb42cf5258e98ff2e94007c863dd026a99f53e67');
  assert.ok(!source.asked.some((path) => path.startsWith('ballot/')), 'nothing of the ballot log is needed');
});

test('a credential is on the roll after all replacements, or nothing is encrypted for it', async () => {
  const election = await openElection(folderSource(RECORD), policy);
  const { urn, old, new: fresh } = await replaced();
  await election.confirm(urn, fresh);
  assert.ok(election.isConfirmed(urn, fresh));
  const other = election.offer.urns.find(({ id }) => id !== urn)!.id;
  for (const [where, credential] of [[urn, old], [other, fresh], ['nowhere', fresh], [urn, '00'.repeat(32)], [urn, `${'0'.repeat(63)}9`]]) {
    await assert.rejects(election.confirm(where!, credential!), (error) => error instanceof Refused || error instanceof CheckFailed);
    assert.ok(!election.isConfirmed(where!, credential!));
  }
});

test('no file that is read may be missing, cut off or altered anywhere', async () => {
  const source = folderSource(RECORD);
  const { urn, new: fresh } = await replaced();
  await (await openElection(source, policy)).confirm(urn, fresh);
  for (const path of new Set(source.asked)) {
    const data = file(path);
    const step = Math.max(1, Math.floor(data.length / 25));
    const places = Array.from({ length: Math.ceil(data.length / step) }, (_, i) => i * step);
    const damaged = [null, data.subarray(0, data.length - 1), Uint8Array.of(...data, 10)].concat(
      places.map((place) => data.map((value, i) => (i === place ? value ^ 1 : value))) as never,
    );
    for (const altered of damaged) {
      const attempt = async (): Promise<void> => (await openElection(folderSource(RECORD, { [path]: altered }), policy)).confirm(urn, fresh);
      await assert.rejects(attempt, (error) => error instanceof CheckFailed || error instanceof Refused, path);
    }
  }
});

test('one auditor alone, or lines of nobody, are no quorum', async () => {
  for (const log of ['tally', 'registry']) {
    const lines = Buffer.from(file(`${log}/checkpoint`)).toString().split('\n');
    const alone = lines.filter((line) => !line.includes('auditor2.example')).join('\n');
    assert.notEqual(alone.split('\n').length, lines.length);
    for (const text of [alone, alone.trimEnd() + '\n\u2014 nobody.example/w AAAAAAAA\n']) {
      const source = folderSource(RECORD, { [`${log}/checkpoint`]: utf8(text) });
      await assert.rejects(openElection(source, policy), { code: 'not-cosigned-yet' });
    }
  }
});

test('another policy is another election', async () => {
  const json = JSON.parse(Buffer.from(policyBytes).toString());
  const keys = json.auditors;
  const others: [string, unknown][] = [
    ['MANIFEST-AUTHORITY|RECORD-SIGNATURE', { ...json, authority: keys['auditor/1'].sign }],
    ['MANIFEST-AUDITORS', { ...json, auditors: { ...keys, 'auditor/2': { ...keys['auditor/2'], sign: keys['auditor/1'].sign } } }],
    ['MANIFEST-AUDITORS', { ...json, auditors: { ...keys, 'auditor/3': { sign: json.authority, witness: [] } } }],
    ['MANIFEST-LOGS', { ...json, logs: { ...json.logs, ballot: json.logs.registry } }],
    ['NOTE', { ...json, logs: { ...json.logs, tally: json.logs.registry } }],
  ];
  for (const [check, other] of others) {
    await assert.rejects(openElection(folderSource(RECORD), parsePolicy(utf8(JSON.stringify(other)))), { check: new RegExp(check) });
  }
});

test('policies that cannot be used', () => {
  const text = Buffer.from(policyBytes).toString();
  for (const wrong of [
    '', '{}', text.replace('"quorum": 2', '"quorum": 1'), text.replace('"quorum": 2', '"quorum": 3'), text.replace('"quorum": 2', '"quorum": 2, "quorum": 2'),
    text.replace('"quorum": 2', '"quorum": 2, "more": 1'), text.replace('"quorum": 2', '"quorum": "2"'), text.replace('+AesMz7', '+AesMz8'),
    text.replace('3be1b84e', '3BE1B84E'), `${text}x`,
  ]) {
    assert.notEqual(wrong, text);
    assert.throws(() => parsePolicy(utf8(wrong)), { code: 'policy-unusable' });
  }
});
