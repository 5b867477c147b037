/** The golden record in memory, and ways to damage it. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Election, type Host } from '../src/core/election.js';
import { openLogs, readLog } from '../src/core/logs.js';
import { type LogName, parsePolicy } from '../src/core/policy.js';
import { perform, type Tools } from '../src/core/perform.js';
import type { Entry } from '../src/core/record.js';
import type { RecordSource } from '../src/core/source.js';
import { parseLog } from '../src/core/structure.js';
import { type Outcome, verify } from '../src/core/verify.js';
import { nodeTools } from '../src/node/tools.js';

/** The compiled tests stand in dist/test of the verifier. */
const VECTORS = fileURLToPath(new URL('../../../../tests/vectors/', import.meta.url));

export const vectorPath = (path: string): string => VECTORS + path;
export const vector = (path: string): Uint8Array => new Uint8Array(readFileSync(VECTORS + path));
export const vectorJson = <T>(path: string): T => JSON.parse(readFileSync(VECTORS + path, 'utf8')) as T;

export type Files = Map<string, Uint8Array>;

function load(): Files {
  const root = vectorPath('golden/record');
  const found = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = found.map((entry) => `${entry.parentPath}/${entry.name}`);
  return new Map(paths.sort().map((path) => [path.slice(root.length + 1), new Uint8Array(readFileSync(path))]));
}

const GOLDEN = load();
export const golden = (): Files => new Map(GOLDEN);
export const goldenPolicy = () => parsePolicy(vector('golden/policy.json'));
export const hostWith = (tools: Tools): Host => (
  { width: 2, verify: tools.verify, perform: (task) => perform(task, tools), progress: () => undefined }
);
export const host = hostWith(await nodeTools());

export class MemorySource implements RecordSource {
  constructor(private readonly files: Files) {}

  async open(path: string): Promise<AsyncIterable<Uint8Array> | null> {
    const bytes = this.files.get(path);
    if (bytes === undefined) return null;
    return (async function* () {
      yield bytes;
    })();
  }

  async size(): Promise<null> {
    return null;
  }

  async blobNames(): Promise<string[]> {
    return [...this.files.keys()].filter((path) => path.startsWith('blob/')).map((path) => path.slice(5));
  }

  async hasFolder(name: string): Promise<boolean> {
    return [...this.files.keys()].some((path) => path.startsWith(`${name}/`));
  }
}

export const verifyFiles = (files: Files, policy = goldenPolicy(), by = host): Promise<Outcome> =>
  verify(new MemorySource(files), policy, by);

/** The golden record with one byte changed. */
export function flipped(path: string, at: number): Files {
  const files = golden();
  const bytes = files.get(path)!.slice();
  bytes[at]! ^= 1;
  return files.set(path, bytes);
}

/** The golden election after its bytes were authenticated, with bodies of its own that a test may change. */
export async function goldenElection(files = golden(), policy = goldenPolicy()): Promise<Election> {
  const source = new MemorySource(files);
  const logs = {} as Record<LogName, Entry[]>;
  const trees = {} as Election['trees'] & Record<LogName, unknown>;
  for (const opened of await openLogs(source, policy, host.verify)) {
    const verified = await readLog(source, opened, () => undefined);
    logs[opened.log] = parseLog(opened.log, verified);
    (trees as Record<LogName, unknown>)[opened.log] = verified.tree;
  }
  return new Election(policy, source, host, logs, trees);
}
