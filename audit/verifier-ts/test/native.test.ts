import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '../src/core/bytes.js';
import { type Verify, verifySignature } from '../src/core/ed25519.js';
import { CheckFailed, Undecided } from '../src/core/failure.js';
import { type Answer, inOrder, type Task, type Workers } from '../src/core/work.js';
import { trustworthy, webCrypto } from '../src/io/native.js';
import { type Channel, Pool } from '../src/io/pool.js';
import { nodePool, nodeTools } from '../src/node/tools.js';
import { vectorJson } from './helpers.js';

interface Case { message: string; public: string; signature: string; refusal: string | null }
const CASES = vectorJson<{ cases: Case[] }>('ed25519-speccheck.json').cases;

async function agrees(verify: Verify): Promise<void> {
  for (const { message, public: key, signature, refusal } of CASES) {
    assert.equal(await verify(fromHex(key), fromHex(message), fromHex(signature)), refusal === null);
  }
}

test('the library of Node decides the edge cases, and is used', async () => {
  const { verify } = await nodeTools();
  assert.notEqual(verify, verifySignature);
  await agrees(verify);
});

test('WebCrypto is used only if it decides the edge cases', async () => {
  await agrees(await trustworthy(webCrypto()));
});

test('a library that is missing, lenient or broken is not used', async () => {
  assert.equal(await trustworthy(null), verifySignature);
  assert.equal(await trustworthy(() => true), verifySignature);
  assert.equal(await trustworthy(() => false), verifySignature);
  assert.equal(await trustworthy(async () => { throw new Error('no such algorithm'); }), verifySignature);
});

const task = (k: number): Task => ({ kind: 'opening', masked: new Uint8Array(32 * 4000), shares: [], lambda: [BigInt(k)] });
const number = (of: Task): number => Number((of as { lambda: readonly bigint[] }).lambda[0]);
const good: Answer = { fault: null, bytes: new Uint8Array() };
const bad = (where: string): Answer => ({ fault: { check: 'SHUFFLE', detail: '', where, party: 'mixer/1' } });

test('answers are taken in the order of the tasks, and the first fault in that order counts', async () => {
  const finish: (() => void)[] = [];
  const workers: Workers = {
    width: 3,
    perform: (of) => new Promise((resolve) => finish.push(() => resolve(number(of) < 2 ? good : bad(`tally/${number(of)}`)))),
  };
  const taken: number[] = [];
  const all = inOrder(workers, [0, 1, 2, 3].map(task)[Symbol.iterator]() as Generator<Task>, (of) => taken.push(number(of)));
  const settled = assert.rejects(all, (error) => error instanceof CheckFailed && error.where === 'tally/2');
  // The last of those under way is done first.
  while (finish.length < 3) await new Promise(setImmediate);
  for (const k of [2, 1, 0]) finish[k]!();
  while (finish.length < 4) await new Promise(setImmediate);
  finish[3]!();
  await settled;
  assert.deepEqual(taken, [0, 1]);
});

test('a fault of an earlier task comes before what is wrong with making the next one', async () => {
  const workers: Workers = { width: 3, perform: async () => bad('tally/0') };
  async function* tasks(): AsyncGenerator<Task> {
    yield task(0);
    throw new CheckFailed('BLOB-DIGEST', '', 'blob', null);
  }
  await assert.rejects(inOrder(workers, tasks(), () => undefined), { check: 'SHUFFLE' });
});

test('a worker that breaks leaves no verdict', async () => {
  const channel: Channel = { post: () => undefined, listen: (_, failed) => failed('out of memory'), close: () => undefined };
  const pool = new Pool(1, () => [channel], await nodeTools());
  await assert.rejects(pool.perform(task(0)), Undecided);
  await assert.rejects(pool.perform(task(1)), Undecided);
});

test('threads give the answers that this one gives', async () => {
  const pool = await nodePool(new URL('../helper.mjs', import.meta.url));
  const masked = new Uint8Array(32 * 3000).map((_, i) => (i % 32 === 0 ? 4 : 0));
  const large: Task = { kind: 'opening', masked, shares: [masked, masked], lambda: [2n, -1n] };
  const [one, two] = await Promise.all([pool.perform(large), pool.perform(large)]);
  assert.deepEqual(one, two);
  assert.equal(one.fault, null);
  assert.deepEqual(one.fault === null && one.bytes.subarray(0, 32), new Uint8Array(32));
  pool.close();
});
