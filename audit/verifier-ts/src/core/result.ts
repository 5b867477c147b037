/** Counting again: from plaintexts to every number of a result. */

import type { Body, Contest } from './bodies.js';
import { compare, sha256, toHex, utf8 } from './bytes.js';
import { plaintexts } from './decryption.js';
import { type Batch, type Election, failure, leafHex, placeOf } from './election.js';
import { type Choice, readRow } from './encoding.js';
import { canonicalBytes, canonicalText, type Json, JsonError, readCanonical } from './json.js';
import { batchKey } from './mixing.js';
import type { Entry } from './record.js';
import { list, count as countShape, text as textShape, type Blob } from './schema.js';

/** The counts of one batch as the JSON output shows them: blobs by their contents, no context. */
export type BatchResult = Omit<Body<'result-batch'>, 'context' | 'write_ins' | 'irregular'> & {
  write_ins: { votes: number; texts: string[] };
  irregular: number[];
};

/** Rows by what they mean. */
class Tally {
  readonly singles: number[];
  /** Rows of each combination, by its option indices joined with commas. */
  readonly combinations = new Map<string, number>();
  readonly texts: string[] = [];
  readonly irregular: number[] = [];
  nulls = 0;

  constructor(private readonly contest: Contest) {
    this.singles = contest.options.map(() => 0);
  }

  add(choice: Choice | null, row: number): void {
    if (choice === null) this.irregular.push(row);
    if (choice === null || choice.kind === 'null') this.nulls += 1;
    else if (choice.kind === 'write-in') this.texts.push(choice.text);
    else if (choice.options.length === 1) this.singles[choice.options[0]!]! += 1;
    else {
      const key = choice.options.join(',');
      this.combinations.set(key, (this.combinations.get(key) ?? 0) + 1);
    }
  }

  /** Combinations by coalition, and within one by their option indices, item by item. */
  ordered(): { coalition: string; options: number[]; votes: number }[] {
    const all = [...this.combinations].map(([key, votes]) => {
      const options = key.split(',').map(Number);
      const home = this.contest.coalitions.findIndex(({ members }) => members.includes(this.contest.options[options[0]!]!.id));
      return { home, options, votes };
    });
    all.sort((a, b) => a.home - b.home || compareLists(a.options, b.options));
    return all.map(({ home, options, votes }) => ({ coalition: this.contest.coalitions[home]!.id, options, votes }));
  }
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((item, i) => item !== b[i]);
  return at < 0 ? a.length - b.length : at >= b.length ? 1 : a[at]! - b[at]!;
}

/** Shares the votes of combinations among their members; the remainder goes to the one with most single marks. */
function distribute(tally: Tally): number[] {
  const votes = [...tally.singles];
  for (const { options, votes: rows } of tally.ordered()) {
    for (const option of options) votes[option]! += Math.floor(rows / options.length);
    const most = Math.max(...options.map((option) => tally.singles[option]!));
    const first = options.find((option) => tally.singles[option] === most)!;
    votes[first]! += rows % options.length;
  }
  return votes;
}

function candidates(contest: Contest, tally: Tally): { id: string; votes: number }[] {
  const joined = new Set(contest.coalitions.flatMap(({ members }) => members));
  const index = new Map(contest.options.map(({ id }, k) => [id, k]));
  const combined = tally.ordered();
  const coalitions = contest.coalitions.map(({ id, members }) => ({
    id,
    votes:
      members.reduce((sum, member) => sum + tally.singles[index.get(member)!]!, 0) +
      combined.filter(({ coalition }) => coalition === id).reduce((sum, { votes }) => sum + votes, 0),
  }));
  const alone = contest.options.flatMap(({ id }, k) => (joined.has(id) ? [] : [{ id, votes: tally.singles[k]! }]));
  return [...coalitions, ...alone];
}

/** The counts of rows that have been read. */
export function countRows(urn: string, contest: Contest, choices: readonly (Choice | null)[]): BatchResult {
  const tally = new Tally(contest);
  choices.forEach((choice, row) => tally.add(choice, row));
  const byOption = (votes: readonly number[]) => contest.options.map(({ id }, k) => ({ option: id, votes: votes[k]! }));
  const texts = tally.texts.map((text) => ({ text, bytes: utf8(text) })).sort((a, b) => compare(a.bytes, b.bytes));
  return {
    urn,
    contest: contest.id,
    rows: choices.length,
    options: byOption(tally.singles),
    combinations: tally.ordered().map(({ coalition, options, votes }) => ({
      coalition, members: options.map((k) => contest.options[k]!.id), votes,
    })),
    write_ins: { votes: texts.length, texts: texts.map(({ text }) => text) },
    nulls: tally.nulls,
    irregular: tally.irregular,
    distributed: byOption(distribute(tally)),
    candidates: candidates(contest, tally),
  };
}

async function recount(e: Election, batch: Batch): Promise<BatchResult> {
  const { contest } = batch;
  const elements = await plaintexts(e, batch);
  const known = new Map<string, Choice | null>();
  const choices = batch.rows.map((_, row) => {
    const part = elements.slice(row * contest.blocks, (row + 1) * contest.blocks);
    const key = part.map(toHex).join('');
    if (!known.has(key)) known.set(key, readRow(part, contest));
    return known.get(key)!;
  });
  return countRows(batch.urn.id, contest, choices);
}

function blobOf(value: Json): Blob {
  const bytes = canonicalBytes(value);
  return { sha256: toHex(sha256(bytes)), size: bytes.length };
}

/** [CANONICAL] of the two lists that a result names. */
async function checkLists(e: Election, entry: Entry<'result-batch'>): Promise<void> {
  const lists = [[entry.body.write_ins.texts, list(textShape)], [entry.body.irregular, list(countShape)]] as const;
  for (const [ref, shape] of lists) {
    try {
      if (!shape(readCanonical(await e.readBlob(ref, placeOf(entry))))) throw new JsonError('not a list of the right kind');
    } catch (error) {
      if (error instanceof JsonError) throw failure('CANONICAL', `blob ${ref.sha256}: ${error.message}`, entry);
      throw error;
    }
  }
}

/** [RESULT], which leaves the counts of all batches that have a result, in manifest order. */
export async function results(e: Election, counted: BatchResult[]): Promise<boolean> {
  const seen = new Map<string, Entry<'result-batch'>>();
  const byKey = new Map<string, BatchResult>();
  const records = e.all('result-batch');
  for (const [done, entry] of records.entries()) {
    e.host.progress('RESULT', done, records.length);
    const key = batchKey(entry.body);
    if (seen.has(key)) throw failure('RESULT', 'a second result of the batch', entry, 'tally');
    await checkLists(e, entry);
    const own = await recount(e, e.batch(entry.body.urn, entry.body.contest)!);
    const body = {
      ...own, context: toHex(e.context()!), irregular: blobOf(own.irregular),
      write_ins: { votes: own.write_ins.votes, texts: blobOf(own.write_ins.texts) },
    };
    if (canonicalText(body) !== canonicalText(entry.body as Json)) throw failure('RESULT', 'other counts', entry, 'tally');
    seen.set(key, entry);
    byKey.set(key, own);
  }
  const keys = e.offer.urns.flatMap((urn) => urn.contests.map((contest) => batchKey({ urn: urn.id, contest })));
  const result = e.first('result');
  if (result !== undefined) {
    const leaves = keys.map((key) => seen.get(key)).map((entry) => (entry === undefined ? null : leafHex(entry)));
    const { batches } = result.body;
    const right = batches.length === leaves.length && batches.every((leaf, i) => leaf === leaves[i]);
    if (!right) throw failure('RESULT', 'not the results of all batches in order', result, 'tally');
  }
  counted.push(...keys.flatMap((key) => byKey.get(key) ?? []));
  return records.length > 0 || result !== undefined;
}
