import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';
import { concat, fromBase64, sha256, toBase64, toHex, u64be, utf8 } from '../src/core/bytes.js';
import { verifySignature } from '../src/core/ed25519.js';
import { LOG_KEY, ML_DSA_WITNESS, NoteError, openCheckpoint, parseVkey } from '../src/core/note.js';
import { verify } from '../src/core/verify.js';
import { HttpSource } from '../src/io/http.js';
import { FilesSource, recordFiles } from '../web/files.js';
import { golden, goldenPolicy, host, vector, vectorJson, vectorPath } from './helpers.js';

const BIN = fileURLToPath(new URL('../../bin/verify.mjs', import.meta.url));
const RECORD = vectorPath('golden/record');
const POLICY = vectorPath('golden/policy.json');
const scratch = mkdtempSync(join(tmpdir(), 'verifier-'));
after(() => rmSync(scratch, { recursive: true }));

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [BIN, ...args], { encoding: 'utf8' });
}

test('valid: exit code 0 and the JSON object', () => {
  const { status, stdout, stderr } = run(RECORD, '--policy', POLICY, '--json');
  const report = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual([status, stderr], [0, '']);
  assert.deepEqual(Object.keys(report), ['verdict', 'stage', 'first_failure', 'checks', 'result', 'certified']);
  assert.deepEqual(report.result, vectorJson<{ batches: unknown }>('golden/expected.json').batches);
});

test('invalid: exit code 1, for programs and for people', () => {
  const copy = join(scratch, 'record');
  cpSync(RECORD, copy, { recursive: true });
  rmSync(join(copy, 'tally/tile/0/000.p/39'));
  const json = run('--json', copy, '--policy', POLICY);
  assert.equal(json.status, 1);
  const { first_failure, checks } = JSON.parse(json.stdout) as { first_failure: string; checks: { id: string; where: string; party: string }[] };
  const failed = checks.find(({ id }) => id === first_failure)!;
  assert.deepEqual([failed.id, failed.where, failed.party], ['LOG', 'tally/tile/0/000.p/39', 'tally']);
  const spanish = run(copy, '--policy', POLICY);
  assert.equal(spanish.status, 1);
  assert.match(spanish.stdout, /NO VÁLIDO/);
  assert.match(run(copy, '--policy', POLICY, '--lang', 'en').stdout, /INVALID/);
});

test('no verdict: exit code 2 and nothing on standard output', () => {
  const bad = join(scratch, 'policy.json');
  const policy = readFileSync(POLICY, 'utf8');
  const broken: string[] = [
    '', '{}', policy.replace('"quorum": 2', '"quorum": 3'), policy.replace('"quorum": 2', '"quorum": 0'),
    policy.replace('"quorum": 2', '"quorum": 2, "quorum": 2'), policy.replace('"quorum": 2', '"quorum": 2, "more": 1'),
    policy.replace('+2e46ddfd+', '+2e46ddfe+'), ' '.repeat((1 << 20) + 1) + policy,
  ];
  const attempts = [
    [], [RECORD], ['--policy', POLICY], [RECORD, RECORD, '--policy', POLICY], [RECORD, '--policy', POLICY, '--other'],
    [RECORD, '--policy', POLICY, '--lang', 'fr'], [join(scratch, 'nothing'), '--policy', POLICY], [POLICY, '--policy', POLICY],
    [RECORD, '--policy', join(scratch, 'nothing')], [RECORD, '--policy', scratch],
  ];
  for (const args of attempts) assert.deepEqual([run(...args).status, run(...args).stdout], [2, ''], args.join(' '));
  for (const text of broken) {
    writeFileSync(bad, text);
    const { status, stdout, stderr } = run(RECORD, '--policy', bad);
    assert.deepEqual([status, stdout], [2, ''], text.slice(0, 40));
    assert.doesNotMatch(stderr, /\n\s+at /);
  }
});

test('--version is one line with the name and the version of the package', () => {
  const { version } = JSON.parse(readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8')) as { version: string };
  assert.deepEqual([run('--version').status, run('--version').stdout], [0, `vemre-verifier-ts ${version}\n`]);
  assert.equal(run('--version', '--json').status, 2);
});

/** Serves the golden record; `answer` may answer in its place. */
async function serving(answer: (path: string) => number | null, use: (url: string) => Promise<void>): Promise<void> {
  const files = golden();
  const server: Server = createServer((request, response) => {
    const path = request.url!.slice('/record/'.length);
    const status = answer(path) ?? (files.has(path) ? 200 : 404);
    response.writeHead(status).end(status === 200 ? files.get(path) : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await use(`http://127.0.0.1:${port}/record`).finally(() => server.close());
}

test('a record by HTTP', async () => {
  await serving(() => null, async (url) => {
    assert.equal((await verify(new HttpSource(url), goldenPolicy(), host)).report.verdict, 'valid');
  });
  await serving((path) => (path.startsWith('blob/') ? 404 : null), async (url) => {
    assert.equal((await verify(new HttpSource(url), goldenPolicy(), host)).report.first_failure, 'BLOB-DIGEST');
  });
  await serving((path) => (path.startsWith('blob/') ? 503 : null), async (url) => {
    await assert.rejects(verify(new HttpSource(url), goldenPolicy(), host), { name: 'Undecided' });
  });
});

test('files that were dropped on the page', async () => {
  const readable = (bytes: Uint8Array) => ({ size: bytes.length, stream: () => new Blob([bytes as BlobPart]).stream() as ReadableStream<Uint8Array> });
  const files = [...golden()].map(([path, bytes]) => [`export/record/${path}`, readable(bytes)] as const);
  const chosen = recordFiles([...files, ['export/policy.json', readable(vector('golden/policy.json'))]]);
  assert.equal(chosen.length, files.length);
  assert.equal((await verify(new FilesSource(chosen), goldenPolicy(), host)).report.verdict, 'valid');
});

test('the page has no foreign parts, and its policy admits exactly its own', () => {
  const page = readFileSync(fileURLToPath(new URL('../web/index.html', import.meta.url)), 'utf8');
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)![1]!;
  for (const name of ['script', 'style']) {
    const [, text] = new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(page)!;
    assert.ok(policy.includes(`${name}-src 'sha256-${createHash('sha256').update(text!).digest('base64')}';`), name);
  }
  const markup = page.replace(/<(script|style)>[\s\S]*?<\/\1>/g, '');
  assert.doesNotMatch(markup, /\s(?:src|srcset)=|href="(?!#)|\son[a-z]+=|\sstyle=|%[A-Z]+%/);
  for (const [, id] of markup.matchAll(/<input[^>]*\sid="([^"]+)"/g)) assert.ok(markup.includes(`<label for="${id}"`), id);
});

test('ML-DSA cosignatures', async () => {
  const tlog = vectorJson<{ log_vkey: string; size7: { checkpoint: string; root: string } }>('tlog.json');
  const { publicKey, secretKey } = ml_dsa44.keygen(new Uint8Array(32).fill(7));
  const name = 'witness.example/pq';
  const typed = concat(Uint8Array.of(ML_DSA_WITNESS), publicKey);
  const id = sha256(concat(utf8(`${name}\n`), typed)).slice(0, 4);
  const witness = parseVkey(`${name}+${toHex(id)}+${toBase64(typed)}`, [ML_DSA_WITNESS]);
  const log = parseVkey(tlog.log_vkey, [LOG_KEY]);
  const line = (signed: number, stated: number) => {
    const message = concat(
      utf8('subtree/v1\n\0'), Uint8Array.of(name.length), utf8(name), u64be(signed), Uint8Array.of(log.name.length), utf8(log.name),
      u64be(0), u64be(7), fromBase64(tlog.size7.root)!,
    );
    return `\u2014 ${name} ${toBase64(concat(id, u64be(stated), ml_dsa44.sign(message, secretKey)))}\n`;
  };
  const open = (text: string) => openCheckpoint(utf8(tlog.size7.checkpoint + text), log, [witness], verifySignature);
  assert.deepEqual((await open(line(1700000000, 1700000000))).witnesses, [witness]);
  await assert.rejects(open(line(1700000000, 1700000001)), NoteError);
  await assert.rejects(open(line(0, 0)), NoteError);
});
