/** Why something was not done. Neither error ever carries a secret. */

/** A rule of the protocol does not hold: `check` is its id in docs/spec/checks.md, `detail` technical English, `where`
 * the place (such as `tally/12` for entry 12 of the tally log). */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';

  constructor(
    readonly check: string,
    readonly detail: string,
    readonly where: string | null = null,
  ) {
    super(`[${check}]${where === null ? '' : ` at ${where}`} ${detail}`);
  }

  /** The same failure with its place, where that was not known yet. */
  at(where: string): CheckFailed {
    return this.where === null ? new CheckFailed(this.check, this.detail, where) : this;
  }
}

/** Something that was understood and is refused. `code` is the one of `vemre/messages`. */
export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(
    readonly code: string,
    readonly params: Readonly<Record<string, string | number>> = {},
  ) {
    super(code);
  }
}

/** What a source throws for a file that is not served. */
export class NotFound extends Error {
  override readonly name = 'NotFound';
}

/** What `act` gives; a failure in it gets the place. */
export function located<T>(where: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof CheckFailed ? error.at(where) : error;
  }
}
