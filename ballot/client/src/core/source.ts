/** Where public data comes from. Nobody who gives it is trusted; sources bound what they read. */

export type LogName = 'registry' | 'ballot' | 'tally';

/** GETs of public data. `get(path, log, limit)` gives a file of at most `limit` bytes of a log:
 *
 * * `checkpoint`: the latest one that the log signed (`GET /log/checkpoint` of a service, the file of a record);
 * * `cosigned`: the latest one that a quorum of auditors cosigned (`GET /log/cosigned?size=1` of a service; of a record
 *   the file `checkpoint`);
 * * `tile/...`: as docs/spec/log.md spells it;
 *
 * and of `blob` the blob with the SHA-256 `path`. Throws NotFound where there is no such file. More than `limit` bytes
 * need not be read: what is cut off is refused. */
export interface Source {
  get(path: string, log: LogName | 'blob', limit: number): Promise<Uint8Array>;
}
