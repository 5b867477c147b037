/** Where the bytes of a record come from. Nothing that a source answers is believed. */

/** A record's files by their names: a folder, files dropped on a page, a web server, or memory in tests. */
export interface RecordSource {
  /**
   * The bytes of a file, in pieces, or null where there is no such file.
   * @throws Undecided where the medium fails, which is no statement about the record
   */
  open(path: string): Promise<AsyncIterable<Uint8Array> | null>;

  /** The number of bytes of a file where the source knows it unread; null where it does not, or there is no such file. */
  size(path: string): Promise<number | null>;

  /** The names of all files directly below `blob/`, or null where the source cannot list. */
  blobNames(): Promise<string[] | null>;

  /** Whether anything at all stands below this folder; null where the source cannot tell. */
  hasFolder(name: string): Promise<boolean | null>;
}

/** A file's bytes up to `limit`, one more if it is longer (so that its length tells), or null without such a file. */
export async function readFile(source: RecordSource, path: string, limit: number): Promise<Uint8Array | null> {
  const pieces = await source.open(path);
  if (pieces === null) return null;
  const kept: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    const wanted = piece.subarray(0, limit + 1 - length);
    kept.push(wanted);
    length += wanted.length;
    if (length > limit) break;
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (const piece of kept) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}
