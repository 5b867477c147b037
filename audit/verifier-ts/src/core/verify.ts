/** The whole verification, check by check, in the order of the specification. */

import { ballotContests, ballotContext, ballotEligible, ballotFresh, ballotOnce, ballotPok, ballotSignature, ballotTime, closeCount, reconcile, tallyInput } from './ballots.js';
import type { RecordType } from './bodies.js';
import { certifyTwo, gates, opinions } from './acts.js';
import { decryptOnce, decryptProof, decryptQuorum, minBatch } from './decryption.js';
import { Election, type Host } from './election.js';
import { CheckFailed, type CheckId, CHECKS } from './failure.js';
import { dkgAck, dkgCommit, dkgDegree, dkgOrder, dkgPop, dkgShares, drills } from './keys.js';
import { openLogs, readLog, type VerifiedLog } from './logs.js';
import { manifestAuditors, manifestAuthority, manifestBlocks, manifestIds, manifestKeys, manifestLogs, manifestPolicy, readOffer } from './manifest.js';
import { mixChain, mixCount, shuffleLength, shuffles } from './mixing.js';
import type { LogName, Policy } from './policy.js';
import type { Entry } from './record.js';
import { type BatchResult, results } from './result.js';
import { contexts, rollCount, rollFrozen, rollKeys, rollUnique, rollUrns, rows, setup, systemTwo } from './roll.js';
import type { RecordSource } from './source.js';
import { beginsWithManifest, blobDigests, checkpointsInside, fileLists, notesInside, order, parseLog, recordRoles, recordSignatures } from './structure.js';

export type Status = 'passed' | 'failed' | 'not applicable';

export interface CheckReport {
  readonly id: CheckId;
  readonly status: Status;
  readonly where: string | null;
  readonly party: string | null;
}

/** The report, with the fields and their order as in the JSON output. */
export interface Report {
  readonly verdict: 'valid' | 'invalid';
  readonly stage: string;
  readonly first_failure: CheckId | null;
  readonly checks: readonly CheckReport[];
  readonly result: readonly BatchResult[];
  readonly certified: boolean;
}

/** A report with what people want besides it: why a check failed, and the names of what was counted. */
export interface Outcome {
  readonly report: Report;
  readonly detail: string | null;
  readonly names: Names;
}

export interface Names {
  readonly election: { es: string; en: string } | null;
  readonly urns: Readonly<Record<string, string>>;
  readonly contests: Readonly<Record<string, { es: string; en: string }>>;
  /** Of each contest the options and coalitions, as people tell them apart: with the party, since a coalition's members
   * share a candidate. */
  readonly options: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Of each contest the options in short, for what stands together on one ballot. */
  readonly marks: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const STAGES: readonly (readonly [stage: string, type: RecordType])[] = [
  ['certified', 'certification'], ['result', 'result'], ['count', 'result-batch'], ['decryption', 'decryption'],
  ['mixing', 'shuffle'], ['tally-input', 'tally-input'], ['closed', 'close'], ['open', 'open'], ['setup', 'setup'],
  ['key-generation', 'dkg-commit'], ['configuration', 'manifest'],
];

type Check = (e: Election) => boolean | Promise<boolean>;

/** What follows the authenticated entries. Each entry answers whether its rule had anything to apply to. */
export function stages(counted: BatchResult[]): readonly (readonly [CheckId, Check])[] {
  return [
    ['BLOB-DIGEST', blobDigests],
    ['CANONICAL', fileLists],
    ['NOTE', notesInside],
    ['CHECKPOINT', checkpointsInside],
    ['ORDER', beginsWithManifest],
    ['RECORD-SIGNATURE', recordSignatures],
    ['RECORD-ROLE', recordRoles],
    ['ORDER', order],
    ['MANIFEST-AUTHORITY', manifestAuthority],
    ['MANIFEST-LOGS', manifestLogs],
    ['MANIFEST-AUDITORS', manifestAuditors],
    ['MANIFEST-IDS', async (e) => (await readOffer(e), manifestIds(e))],
    ['MANIFEST-KEYS', manifestKeys],
    ['MANIFEST-POLICY', manifestPolicy],
    ['MANIFEST-BLOCKS', manifestBlocks],
    ['DKG-ORDER', dkgOrder],
    ['DKG-COMMIT', dkgCommit],
    ['DKG-DEGREE', dkgDegree],
    ['DKG-POP', dkgPop],
    ['DKG-SHARES', dkgShares],
    ['DKG-ACK', dkgAck],
    ['DRILL', drills],
    ['ROLL-URNS', rollUrns],
    ['ROLL-KEYS', rollKeys],
    ['ROLL-UNIQUE', rollUnique],
    ['ROLL-COUNT', rollCount],
    ['ROLL-FROZEN', rollFrozen],
    ['SETUP', setup],
    ['SYSTEM-TWO', systemTwo],
    ['CONTEXT', contexts],
    ['ROWS', rows],
    ['BALLOT-CONTEXT', ballotContext],
    ['BALLOT-TIME', ballotTime],
    ['BALLOT-ELIGIBLE', ballotEligible],
    ['BALLOT-ONCE', ballotOnce],
    ['BALLOT-CONTESTS', ballotContests],
    ['BALLOT-FRESH', ballotFresh],
    ['BALLOT-SIGNATURE', ballotSignature],
    ['BALLOT-POK', ballotPok],
    ['CLOSE-COUNT', closeCount],
    ['RECONCILE', reconcile],
    ['TALLY-INPUT', tallyInput],
    ['MIX-CHAIN', mixChain],
    ['MIX-COUNT', mixCount],
    ['SHUFFLE-LENGTH', shuffleLength],
    ['SHUFFLE', shuffles],
    ['MIN-BATCH', minBatch],
    ['DECRYPT-ONCE', decryptOnce],
    ['DECRYPT-PROOF', decryptProof],
    ['DECRYPT-QUORUM', decryptQuorum],
    ['RESULT', (e) => results(e, counted)],
    ['OPINION', opinions],
    ['CERTIFY-TWO', certifyTwo],
    ['GATE', gates],
  ];
}

/** Checks whose last place comes long after their first: they pass only with the whole record. */
const VALUES: readonly CheckId[] = ['ELEMENT', 'IDENTITY', 'SCALAR'];

class Verification {
  private readonly statuses = new Map<CheckId, Status>();
  private readonly counted: BatchResult[] = [];
  private election: Election | null = null;

  constructor(
    private readonly source: RecordSource,
    private readonly policy: Policy,
    private readonly host: Host,
  ) {}

  private async authenticEntries(): Promise<Election> {
    this.statuses.set('PARAMS', 'passed');
    this.host.progress('NOTE', 0, 1);
    const opened = await openLogs(this.source, this.policy, this.host.verify);
    const verified = {} as Record<LogName, VerifiedLog>;
    for (const log of opened) {
      verified[log.log] = await readLog(this.source, log, (done, total) => this.host.progress('LOG', done, total));
    }
    this.statuses.set('LOG', 'passed');
    this.host.progress('CANONICAL', 0, 1);
    const entries = {} as Record<LogName, Entry[]>;
    for (const { log } of opened) entries[log] = parseLog(log, verified[log]);
    this.statuses.set('CANONICAL', 'passed');
    const trees = { registry: verified.registry.tree, ballot: verified.ballot.tree, tally: verified.tally.tree };
    return new Election(this.policy, this.source, this.host, entries, trees);
  }

  private async everything(): Promise<void> {
    this.election = await this.authenticEntries();
    for (const [id, check] of stages(this.counted)) {
      this.host.progress(id, 0, 1);
      this.statuses.set(id, (await check(this.election)) ? 'passed' : 'not applicable');
    }
    for (const id of VALUES) if (this.election.has('dkg-reveal')) this.statuses.set(id, 'passed');
  }

  private names(): Names {
    const e = this.election;
    const offer = e?.offer;
    const pairs = <T>(items: readonly { id: string }[], name: (item: never) => T) =>
      Object.fromEntries(items.map((item) => [item.id, name(item as never)])) as Record<string, T>;
    return {
      election: e?.first('manifest')?.body.name ?? null,
      urns: pairs(offer?.urns ?? [], (urn: { name: string }) => urn.name),
      contests: pairs(offer?.contests ?? [], (contest: { title: { es: string; en: string } }) => contest.title),
      options: pairs(offer?.contests ?? [], (contest: NonNullable<typeof offer>['contests'][number]) => ({
        ...pairs(contest.options, ({ name, party }: { name: string; party?: string }) => (party === undefined ? name : `${party} · ${name}`)),
        ...pairs(contest.coalitions, (coalition: { candidate: string }) => coalition.candidate),
      })),
      marks: pairs(offer?.contests ?? [], (contest: NonNullable<typeof offer>['contests'][number]) =>
        pairs(contest.options, ({ name, party }: { name: string; party?: string }) => party ?? name)),
    };
  }

  private report(failed: CheckFailed | null): Report {
    const e = this.election;
    const valid = failed === null;
    return {
      verdict: valid ? 'valid' : 'invalid',
      stage: STAGES.find(([, type]) => e?.has(type) === true)?.[0] ?? 'empty',
      first_failure: failed?.check ?? null,
      checks: CHECKS.map((id) =>
        id === failed?.check
          ? { id, status: 'failed', where: failed.where, party: failed.party }
          : { id, status: this.statuses.get(id) ?? 'not applicable', where: null, party: null },
      ),
      result: valid && e!.has('result') ? this.counted : [],
      certified: valid && e!.has('certification'),
    };
  }

  async run(): Promise<Outcome> {
    let failed: CheckFailed | null = null;
    try {
      await this.everything();
    } catch (error) {
      if (!(error instanceof CheckFailed)) throw error;
      failed = error;
    }
    return { report: this.report(failed), detail: failed?.detail ?? null, names: this.names() };
  }
}

/**
 * Verify a record as far as it goes.
 * @throws Undecided where the record cannot be read; a bad record is a report, never an exception
 */
export function verify(source: RecordSource, policy: Policy, host: Host): Promise<Outcome> {
  return new Verification(source, policy, host).run();
}
