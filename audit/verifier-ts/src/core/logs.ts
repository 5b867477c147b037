/** From files to authentic entries: checkpoints [NOTE], tiles and bundles [LOG]. */

import { WRITER } from './bodies.js';
import { equal } from './bytes.js';
import type { Verify } from './ed25519.js';
import { CheckFailed } from './failure.js';
import { leafHash, nodeHash, TILE_WIDTH, tilePath, Tree } from './merkle.js';
import { type Checkpoint, NoteError, openCheckpoint } from './note.js';
import { cosigners, type LogName, LOGS, type Policy, witnessKeys } from './policy.js';
import { readFile, type RecordSource } from './source.js';

const LONGEST_NOTE = 65536;
const LONGEST_ENTRY = 65535;
const HASH = 32;

export interface OpenedLog {
  readonly log: LogName;
  /** Null where the log has not begun. */
  readonly checkpoint: Checkpoint | null;
}

export interface VerifiedLog {
  readonly tree: Tree;
  readonly entries: Uint8Array[];
}

/** [NOTE] of the three files `checkpoint`, with the quorum. */
export async function openLogs(source: RecordSource, policy: Policy, verify: Verify): Promise<OpenedLog[]> {
  const opened: OpenedLog[] = [];
  for (const log of LOGS) {
    const where = `${log}/checkpoint`;
    const fail = (detail: string) => new CheckFailed('NOTE', detail, where, WRITER[log]);
    const bytes = await readFile(source, where, LONGEST_NOTE);
    if (bytes === null) {
      if ((await source.hasFolder(log)) === true) throw fail('the file is missing');
      opened.push({ log, checkpoint: null });
      continue;
    }
    try {
      const checkpoint = await openCheckpoint(bytes, policy.logs[log].key, witnessKeys(policy), verify);
      const count = cosigners(policy, checkpoint);
      if (count < policy.quorum) throw fail(`cosigned by ${count} auditors of ${policy.quorum}`);
      opened.push({ log, checkpoint });
    } catch (error) {
      if (error instanceof NoteError) throw fail(error.message);
      throw error;
    }
  }
  return opened;
}

/** Reads the tiles of one log, from the top level down, and believes a hash once the level above has it. */
class LogReader {
  constructor(
    private readonly source: RecordSource,
    private readonly log: LogName,
    private readonly size: number,
    private readonly root: Uint8Array,
    private readonly progress: (done: number, total: number) => void,
  ) {}

  private fail(detail: string, path?: string): CheckFailed {
    return new CheckFailed('LOG', detail, path === undefined ? this.log : `${this.log}/${path}`, WRITER[this.log]);
  }

  private async file(path: string, limit: number): Promise<Uint8Array> {
    const bytes = await readFile(this.source, `${this.log}/${path}`, limit);
    if (bytes === null) throw this.fail('the file is missing', path);
    if (bytes.length > limit) throw this.fail('the file is too long', path);
    return bytes;
  }

  private async *widths(items: number): AsyncGenerator<[number: number, width: number]> {
    for (let number = 0; number * TILE_WIDTH < items; number += 1) {
      yield [number, Math.min(TILE_WIDTH, items - number * TILE_WIDTH)];
    }
  }

  private async level(level: number): Promise<Uint8Array[]> {
    const hashes: Uint8Array[] = [];
    for await (const [number, width] of this.widths(Math.floor(this.size / TILE_WIDTH ** level))) {
      const path = tilePath(level, number, width);
      const bytes = await this.file(path, HASH * width);
      if (bytes.length !== HASH * width) throw this.fail('the tile is too short', path);
      for (let i = 0; i < width; i += 1) hashes.push(bytes.subarray(HASH * i, HASH * (i + 1)));
    }
    return hashes;
  }

  /** The root that the partial tiles of all levels (lowest first) give together. */
  private static edgeRoot(levels: readonly Uint8Array[][]): Uint8Array {
    let root: Uint8Array | null = null;
    for (const hashes of levels) {
      let end = hashes.length;
      for (let width = 1; width < TILE_WIDTH; width *= 2) {
        if ((hashes.length & width) === 0) continue;
        const subtree = new Tree(hashes.slice(end - width, end)).root();
        root = root === null ? subtree : nodeHash(subtree, root);
        end -= width;
      }
    }
    return root ?? new Tree().root();
  }

  private checkAgainst(level: number, hashes: readonly Uint8Array[], above: readonly Uint8Array[]): void {
    above.forEach((hash, number) => {
      const tile = hashes.slice(TILE_WIDTH * number, TILE_WIDTH * (number + 1));
      if (!equal(new Tree(tile).root(), hash)) {
        throw this.fail('the tile is not the one of the tile above', tilePath(level, number, TILE_WIDTH));
      }
    });
  }

  async leaves(): Promise<Uint8Array[]> {
    const levels: Uint8Array[][] = [];
    let top = 0;
    while (Math.floor(this.size / TILE_WIDTH ** (top + 1)) > 0) top += 1;
    for (let level = top; level >= 0; level -= 1) levels[level] = await this.level(level);
    if (!equal(LogReader.edgeRoot(levels), this.root)) throw this.fail('tiles and root do not agree');
    for (let level = top - 1; level >= 0; level -= 1) this.checkAgainst(level, levels[level]!, levels[level + 1]!);
    return levels[0]!;
  }

  private split(bundle: Uint8Array, width: number, path: string): Uint8Array[] {
    const entries: Uint8Array[] = [];
    let at = 0;
    while (entries.length < width) {
      const length = at + 2 <= bundle.length ? bundle[at]! * 256 + bundle[at + 1]! : Infinity;
      if (at + 2 + length > bundle.length) throw this.fail('the bundle ends inside an entry', path);
      entries.push(bundle.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
    if (at !== bundle.length) throw this.fail('the bundle has more than its entries', path);
    return entries;
  }

  async entries(leaves: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const entries: Uint8Array[] = [];
    for await (const [number, width] of this.widths(this.size)) {
      const path = tilePath('entries', number, width);
      const bundle = await this.file(path, width * (LONGEST_ENTRY + 2));
      for (const entry of this.split(bundle, width, path)) {
        if (!equal(leafHash(entry), leaves[entries.length]!)) {
          throw this.fail(`entry ${entries.length} is not the one of the tile`, path);
        }
        entries.push(entry);
      }
      this.progress(entries.length, this.size);
    }
    return entries;
  }
}

/** [LOG] of one log: everything that its checkpoint implies is there and hashes to the root. */
export async function readLog(
  source: RecordSource, opened: OpenedLog, progress: (done: number, total: number) => void,
): Promise<VerifiedLog> {
  const { log, checkpoint } = opened;
  const fail = (detail: string, where: string) => new CheckFailed('LOG', detail, where, WRITER[log]);
  if (checkpoint === null) return { tree: new Tree(), entries: [] };
  if (checkpoint.size > BigInt(Number.MAX_SAFE_INTEGER)) throw fail('no log of this size can be there', log);
  const reader = new LogReader(source, log, Number(checkpoint.size), checkpoint.root, progress);
  const leaves = await reader.leaves();
  return { tree: new Tree(leaves), entries: await reader.entries(leaves) };
}
