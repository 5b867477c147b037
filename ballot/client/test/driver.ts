/** The client as a program, for tests in Python: one JSON request per line in, one answer per line out. */

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseCanonical } from '../src/core/json.ts';
import { parseRecord } from '../src/core/record.ts';
import { readChoices } from '../src/core/choice.ts';
import {
  CheckFailed, Refused, challengePayload, checkChallenge, hex, openElection, parseCredential, parsePolicy, parseShown, prepare,
  publicCredential, sign, unhex, verifyReceipt, type Election,
} from '../src/core/index.ts';
import type { Json } from '../src/core/json.ts';
import { folderSource } from './files.ts';

type Request = Record<string, string>;

const bytes = (file: string): Uint8Array => new Uint8Array(readFileSync(file));
const opened = new Map<string, Promise<Election>>();

/** The election of a record, opened once. */
function open(request: Request): Promise<Election> {
  const [record, policy] = [request['record']!, request['policy']!];
  const known = opened.get(`${record} ${policy}`) ?? openElection(folderSource(record), parsePolicy(bytes(policy)));
  opened.set(`${record} ${policy}`, known);
  return known;
}

async function prepared(request: Request) {
  const election = await open(request);
  const secret = parseCredential(request['credential']!);
  const credential = publicCredential(secret, election.id);
  const urn = request['urn']!;
  await election.confirm(urn, credential);
  const choices = readChoices(election.contests(urn), JSON.parse(request['choices']!) as Json);
  return { election, secret, ballot: prepare(election, urn, credential, choices) };
}

const ACTS: Record<string, (request: Request) => Promise<Json>> = {
  async open(request) {
    const election = await open(request);
    if (request['urn'] !== undefined) await election.confirm(request['urn'], request['credential']!);
    return { id: election.id, context: hex(election.context), joint_key: hex(election.jointKeyBytes) };
  },
  async cast(request) {
    const { election, secret, ballot } = await prepared(request);
    const { entry, leaf, tracker } = sign(ballot, secret, election);
    return { entry: hex(entry), leaf: hex(leaf), tracker, fingerprint: hex(ballot.fingerprint), secret: hex(secret) };
  },
  async challenge(request) {
    const { election, ballot } = await prepared(request);
    return { payload: hex(challengePayload(ballot, election)), fingerprint: ballot.fingerprintShown };
  },
  async 'check-challenge'(request) {
    const found = checkChallenge(await open(request), unhex(request['payload']!), parseShown(request['fingerprint']!)!);
    return { fingerprint: hex(found.fingerprint), contests: [...found.choices.keys()] };
  },
  async receipt(request) {
    const { index, size, auditors, missing } = verifyReceipt(unhex(request['receipt']!), unhex(request['leaf']!), parsePolicy(bytes(request['policy']!)));
    return { index, size, auditors: [...auditors], missing: [...missing] };
  },
  async 'read-choices'(request) {
    const election = await open(request);
    return [...readChoices(election.contests(request['urn']!), JSON.parse(request['choices']!) as Json).keys()];
  },
  async record(request) {
    return { type: parseRecord(unhex(request['data']!), 'nowhere').type };
  },
  async json(request) {
    return parseCanonical(unhex(request['data']!), Number(request['limit']));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  let answer: Json;
  try {
    answer = { good: await ACTS[request['act']!]!(request) };
  } catch (error) {
    if (error instanceof CheckFailed) answer = { failed: error.check, detail: error.message };
    else if (error instanceof Refused) answer = { refused: error.code };
    else answer = { broken: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
