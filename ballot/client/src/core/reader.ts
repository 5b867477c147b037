/** Reading a log that nobody is trusted to serve: only the root of an opened checkpoint is believed.
 *
 * The tiles of the right edge recompute it, each full tile hashes to its place in the tile above, each entry to its
 * place in level 0. Source: docs/spec/log.md. What fails is CheckFailed(LOG).
 */

import { chunks, equal } from './bytes.ts';
import { CheckFailed, NotFound } from './errors.ts';
import { leafHash, perfectRoot, subtreeHash } from './merkle.ts';
import type { Checkpoint } from './note.ts';
import type { LogName, Source } from './source.ts';

export const MAX_ENTRY_BYTES = 65_535;
const WIDTH = 256;
const MAX_BUNDLE_BYTES = WIDTH * (2 + MAX_ENTRY_BYTES);
const CACHED_TILES = 64;
const AT_ONCE = 8;

export class LogReader {
  /** The authenticated hashes of tiles, by path; the edge ones stay. */
  private readonly edges = new Map<number, { index: number; hashes: Uint8Array[] }>();
  private readonly cache = new Map<string, Uint8Array[]>();

  private constructor(
    private readonly source: Source,
    private readonly log: LogName,
    readonly checkpoint: Checkpoint,
  ) {}

  static async open(source: Source, log: LogName, checkpoint: Checkpoint): Promise<LogReader> {
    const reader = new LogReader(source, log, checkpoint);
    await reader.readEdges();
    return reader;
  }

  get size(): number {
    return this.checkpoint.size;
  }

  /** The entries from `start` on, in order. */
  async *entries(start: number): AsyncGenerator<[number, Uint8Array]> {
    for (let index = Math.floor(start / WIDTH); index * WIDTH < this.size; index++) {
      const bundle = await this.bundle(index);
      for (let place = Math.max(0, start - index * WIDTH); place < bundle.length; place++) {
        yield [index * WIDTH + place, bundle[place]!];
      }
    }
  }

  /** The last place below `size` of an entry with this leaf hash, or null. */
  async findLast(leaf: Uint8Array, size: number): Promise<number | null> {
    for (let index = Math.floor((size - 1) / WIDTH); index >= 0; index--) {
      const hashes = await this.hashes(0, index);
      for (let place = Math.min(WIDTH, size - index * WIDTH) - 1; place >= 0; place--) {
        if (equal(hashes[place]!, leaf)) return index * WIDTH + place;
      }
    }
    return null;
  }

  /** The last entry whose leaf hash begins with `prefix`, and that leaf hash, or null. Looks through the whole log by its
   * hashes alone, a few tiles at once; `progress` is told how many entries were looked at. */
  async find(prefix: Uint8Array, progress?: (looked: number) => void): Promise<{ index: number; leaf: Uint8Array } | null> {
    for (let end = Math.ceil(this.size / WIDTH); end > 0; end -= AT_ONCE) {
      const first = Math.max(0, end - AT_ONCE);
      const tiles = await Promise.all(Array.from({ length: end - first }, (_, i) => this.hashes(0, first + i)));
      const leaves = tiles.flat();
      for (let place = leaves.length - 1; place >= 0; place--) {
        const leaf = leaves[place]!;
        if (equal(leaf.subarray(0, prefix.length), prefix)) return { index: first * WIDTH + place, leaf };
      }
      progress?.(this.size - first * WIDTH);
    }
    return null;
  }

  /** The root that the log had at an earlier size. */
  rootAt(size: number): Promise<Uint8Array> {
    return subtreeHash(0, size, async (level, index) => {
      const [tileLevel, width, first] = position(level, index);
      const hashes = await this.hashes(tileLevel, Math.floor(first / WIDTH));
      return perfectRoot(hashes.slice(first % WIDTH, (first % WIDTH) + width));
    });
  }

  // --- authentication -------------------------------------------------------------------------------------------

  private async readEdges(): Promise<void> {
    for (let level = 0, count = this.size; count > 0; level++, count = Math.floor(count / WIDTH)) {
      const index = Math.floor(count / WIDTH);
      if (count % WIDTH > 0) this.edges.set(level, { index, hashes: await this.readTile(level, index, count % WIDTH) });
    }
    const root = await subtreeHash(0, this.size, async (level, index) => {
      const [tileLevel, width, first] = position(level, index);
      const place = first % WIDTH;
      return perfectRoot(this.edges.get(tileLevel)!.hashes.slice(place, place + width));
    });
    if (!equal(root, this.checkpoint.root)) throw this.wrong('', "the tiles of the edge do not make up the checkpoint's root");
  }

  private async hashes(level: number, index: number): Promise<Uint8Array[]> {
    const edge = this.edges.get(level);
    if (edge?.index === index) return edge.hashes;
    const path = pathOf(String(level), index, WIDTH);
    const known = this.cache.get(path);
    if (known) return known;
    const found = await this.readTile(level, index, WIDTH);
    const parent = await this.hashes(level + 1, Math.floor(index / WIDTH));
    if (!equal(perfectRoot(found), parent[index % WIDTH]!)) throw this.wrong(path, 'does not hash to its place in the tile above');
    this.cache.set(path, found);
    if (this.cache.size > CACHED_TILES) this.cache.delete(this.cache.keys().next().value!);
    return found;
  }

  private async readTile(level: number, index: number, width: number): Promise<Uint8Array[]> {
    const [data, found, path] = await this.read(String(level), index, width, 32 * WIDTH);
    if (data.length !== 32 * found) throw this.wrong(path, `not ${found} hashes`);
    return chunks(data, 32).slice(0, width);
  }

  private async bundle(index: number): Promise<Uint8Array[]> {
    const width = Math.min(WIDTH, this.size - index * WIDTH);
    const [data, found, path] = await this.read('entries', index, width, MAX_BUNDLE_BYTES);
    const entries: Uint8Array[] = [];
    let place = 0;
    while (entries.length < found) {
      const start = place + 2;
      place = start + ((data[place] ?? 0) << 8) + (data[place + 1] ?? 0);
      if (start > data.length || place > data.length) throw this.wrong(path, 'the bundle is cut off');
      entries.push(data.subarray(start, place));
    }
    if (place !== data.length) throw this.wrong(path, 'more follows the last entry');
    const expected = await this.hashes(0, index);
    entries.length = width;
    entries.forEach((entry, i) => {
      if (!equal(leafHash(entry), expected[i]!)) throw this.wrong(path, `entry ${index * WIDTH + i} does not hash to its leaf`);
    });
    return entries;
  }

  /** The bytes of a tile or bundle, how wide the file is, and its path. A full one may stand in for a partial one. */
  private async read(level: string, index: number, width: number, limit: number): Promise<[Uint8Array, number, string]> {
    for (const wanted of width < WIDTH ? [width, WIDTH] : [WIDTH]) {
      const path = pathOf(level, index, wanted);
      try {
        const data = await this.source.get(path, this.log, limit);
        if (data.length > limit) throw this.wrong(path, 'too long');
        return [data, wanted, path];
      } catch (error) {
        if (!(error instanceof NotFound)) throw error;
      }
    }
    throw this.wrong(pathOf(level, index, width), 'missing');
  }

  private wrong(path: string, detail: string): CheckFailed {
    return new CheckFailed('LOG', detail, path === '' ? this.log : `${this.log}/${path}`);
  }
}

/** Of a perfect subtree: the level of its tiles, how many of their hashes it spans, and the first of these. */
function position(level: number, index: number): [number, number, number] {
  const width = 2 ** (level % 8);
  return [Math.floor(level / 8), width, index * width];
}

function pathOf(level: string, index: number, width: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g)!;
  const name = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${name}${width < WIDTH ? `.p/${width}` : ''}`;
}
