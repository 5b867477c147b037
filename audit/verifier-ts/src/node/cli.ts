/** The command: `verify RECORD --policy POLICY [--json] [--lang es|en]`, or `verify --version`. */

import { open } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Undecided } from '../core/failure.js';
import { parsePolicy, POLICY_LIMIT } from '../core/policy.js';
import type { RecordSource } from '../core/source.js';
import { type Outcome, verify } from '../core/verify.js';
import { HttpSource } from '../io/http.js';
import { isLanguage, type Language, LANGUAGES, messages } from '../text.js';
import { openFolder } from './folder.js';
import { readable } from './readable.js';
import { nodePool } from './tools.js';

/** The version of package.json, put here by the build. */
declare const VERSION: string;

export const VALID = 0;
export const INVALID = 1;
export const UNDECIDED = 2;

interface Options {
  readonly record: string;
  readonly policy: string;
  readonly json: boolean;
  readonly language: Language;
}

function parseOptions(args: readonly string[]): Options | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { policy: { type: 'string' }, json: { type: 'boolean' }, lang: { type: 'string' } },
    });
    const language = values.lang ?? LANGUAGES[0];
    if (positionals.length !== 1 || values.policy === undefined || !isLanguage(language)) return null;
    return { record: positionals[0]!, policy: values.policy, json: values.json ?? false, language };
  } catch {
    return null;
  }
}

async function policyBytes(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path);
    // Not more than is needed to see that there is too much: the file may have no end.
    const kept = Buffer.alloc(POLICY_LIMIT + 1);
    let length = 0;
    try {
      for (;;) {
        const { bytesRead } = await file.read(kept, length, kept.length - length, null);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
    } finally {
      await file.close();
    }
    return kept.subarray(0, length);
  } catch (error) {
    throw new Undecided(`policy: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}

/** A line on the terminal that says what is being checked; silent where nobody watches. */
function progressLine(language: Language): { show: (check: string, done: number, total: number) => void; clear: () => void } {
  if (!process.stderr.isTTY) return { show: () => undefined, clear: () => undefined };
  const show = (check: string, done: number, total: number) => {
    const share = total > 1 ? ` ${Math.floor((100 * done) / total)} %` : '';
    process.stderr.write(`\r\u001b[K${messages(language).checking} ${check}${share}`);
  };
  return { show, clear: () => process.stderr.write('\r\u001b[K') };
}

async function run(options: Options): Promise<Outcome> {
  const policy = parsePolicy(await policyBytes(options.policy));
  const isUrl = /^https?:\/\//.test(options.record);
  const source: RecordSource = isUrl ? new HttpSource(options.record) : await openFolder(options.record);
  const line = progressLine(options.language);
  const pool = await nodePool();
  try {
    return await verify(source, policy, { width: pool.width, verify: pool.verify, perform: (task) => pool.perform(task), progress: line.show });
  } finally {
    pool.close();
    line.clear();
  }
}

/** @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  if (args.length === 1 && args[0] === '--version') {
    process.stdout.write(`vemre-verifier-ts ${VERSION}\n`);
    return VALID;
  }
  const options = parseOptions(args);
  if (options === null) {
    process.stderr.write(`${messages(LANGUAGES[0]).usage}\n`);
    return UNDECIDED;
  }
  try {
    const outcome = await run(options);
    const text = options.json ? JSON.stringify(outcome.report, null, 2) : readable(outcome, options.language);
    process.stdout.write(`${text}\n`);
    return outcome.report.verdict === 'valid' ? VALID : INVALID;
  } catch (error) {
    if (!(error instanceof Undecided)) throw error;
    process.stderr.write(`${messages(options.language).undecided}: ${error.message}\n`);
    return UNDECIDED;
  }
}
