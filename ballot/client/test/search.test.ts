/** Looking for a ballot in a whole log that nobody is trusted to serve. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '@noble/hashes/sha2.js';
import { base64, concat, hex, utf8 } from '../src/core/bytes.ts';
import * as ed25519 from '../src/core/ed25519.ts';
import { NotFound, parsePolicy, searchLog, type Source } from '../src/core/index.ts';
import { checkpointText } from '../src/core/note.ts';
import { leafHash, perfectRoot, subtreeHash } from '../src/core/merkle.ts';

const SIZE = 256 * 11 + 7;
const SEED = new Uint8Array(32).fill(7);
const NAME = 'log.example/ballot';
const vkey = (name: string, type: number, seed: Uint8Array): string => {
  const data = concat(Uint8Array.of(type), ed25519.publicKey(seed));
  return `${name}+${hex(sha256(concat(utf8(`${name}\n`), data)).subarray(0, 4))}+${base64(data)}`;
};
const witness = (name: string, fill: number) => ({ sign: hex(new Uint8Array(32).fill(fill)), witness: [vkey(name, 4, new Uint8Array(32).fill(fill))] });
const policy = parsePolicy(utf8(JSON.stringify({
  logs: { registry: vkey('r', 1, SEED), ballot: vkey(NAME, 1, SEED), tally: vkey('t', 1, SEED) },
  auditors: { 'auditor/1': witness('w1', 1), 'auditor/2': witness('w2', 2) },
  authority: '00'.repeat(32),
  quorum: 2,
})));
const leaves = Array.from({ length: SIZE }, (_, i) => leafHash(utf8(`entry ${i}`)));

async function served(altered: (path: string, data: Uint8Array) => Uint8Array = (_, data) => data): Promise<Source & { asked: string[] }> {
  const root = await subtreeHash(0, SIZE, async (level, index) => perfectRoot(leaves.slice(index << level, (index + 1) << level)));
  const text = checkpointText(NAME, SIZE, root);
  const id = policy.logs.ballot.id;
  const note = utf8(`${text}\n\u2014 ${NAME} ${base64(concat(id, ed25519.sign(SEED, utf8(text))))}\n`);
  const rows = [leaves, Array.from({ length: 11 }, (_, i) => perfectRoot(leaves.slice(256 * i, 256 * i + 256)))];
  const asked: string[] = [];
  return {
    asked,
    async get(path) {
      asked.push(path);
      if (path === 'checkpoint') return note;
      const [, level, index, width] = /^tile\/([01])\/(\d{3})(?:\.p\/(\d+))?$/.exec(path) ?? [];
      const row = rows[Number(level)]?.slice(256 * Number(index)) ?? [];
      const count = Number(width ?? 256);
      if (row.length < count || count === 0) throw new NotFound(path);
      return altered(path, concat(...row.slice(0, count)));
    },
  };
}

test('every ballot is found by its leaf hash and by its tracker, wherever it stands', async () => {
  for (const index of [0, 1, 255, 256, 1500, 256 * 11 - 1, 256 * 11, SIZE - 1]) {
    for (const length of [20, 32]) {
      const { found, size } = await searchLog(leaves[index]!.subarray(0, length), await served(), policy);
      assert.deepEqual([found?.index, found && hex(found.leaf), size], [index, hex(leaves[index]!), SIZE]);
      assert.deepEqual([found?.quorumReached, found?.missing], [false, ['auditor/1', 'auditor/2']]);
    }
  }
});

test('what is not there was looked for everywhere, without a word of what it is', async () => {
  const source = await served();
  const told: number[] = [];
  const { found } = await searchLog(sha256(utf8('nothing')).subarray(0, 20), source, policy, (looked, of) => told.push(looked / of));
  assert.equal(found, null);
  assert.equal(told.at(-1), 1);
  assert.deepEqual(told, [...told].sort((a, b) => a - b));
  const tiles = source.asked.filter((path) => path.startsWith('tile/0/')).sort();
  assert.deepEqual(tiles, Array.from({ length: 12 }, (_, i) => `tile/0/${String(i).padStart(3, '0')}${i === 11 ? '.p/7' : ''}`));
  assert.ok(!source.asked.some((path) => path.includes('entries')));
});

test('a ballot cannot be hidden behind altered hashes', async () => {
  const at = 700;
  const hide = (path: string, data: Uint8Array): Uint8Array => {
    if (path !== 'tile/0/002') return data;
    const changed = Uint8Array.from(data);
    changed[32 * (at - 512)]! ^= 1;
    return changed;
  };
  await assert.rejects(searchLog(leaves[at]!, await served(hide), policy), { check: 'LOG' });
});
