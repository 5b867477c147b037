/** Why something did not work: what is the matter, whose trouble it is, what to do next. */

import { CheckFailed, Refused } from '../../core/errors.ts';
import { isKey, t, type Key } from '../../texts/index.ts';
import { h } from './dom.ts';
import { ServiceRefused, Unreachable, type Wording } from './failures.ts';
import { plain } from './plain.ts';

export { ServiceRefused, Unreachable } from './failures.ts';

/** What went wrong, in the current language. `code` is for the help centre. */
export interface Problem extends Wording {
  readonly code: string;
}

/** Any error as words. Texts `<code>-title`, `-detail`, `-next` of this page come before those of the service. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ServiceRefused) {
    const found = own(error.code, {}) ?? error.words() ?? own('server', {})!;
    return { code: error.code, ...found };
  }
  if (error instanceof Refused) return { code: error.code, ...(own(error.code, error.params) ?? own('broken', {})!) };
  if (error instanceof CheckFailed) {
    return { code: error.where === null ? error.check : `${error.check} ${plain(error.where)}`, ...own('check', { check: error.check })! };
  }
  if (error instanceof Unreachable) return { code: 'unreachable', ...own('unreachable', {})! };
  return { code: error instanceof Error ? error.name : 'unknown', ...own('broken', {})! };
}

/** A problem as part of a page. `acts` are buttons, such as the one that tries again. */
export function problemView(problem: Problem, ...acts: (HTMLElement | null)[]): HTMLElement {
  return h('section', { class: 'problem', role: 'alert', 'data-code': problem.code },
    h('h2', {}, problem.title),
    h('p', {}, problem.detail),
    h('p', { class: 'next' }, problem.next),
    h('p', { class: 'small' }, t('error-code', { code: problem.code })),
    acts.length > 0 && h('div', { class: 'acts' }, ...acts),
  );
}

function own(code: string, values: Readonly<Record<string, string | number>>): Wording | null {
  if (!isKey(`${code}-title`)) return null;
  const say = (part: string): string => t(`${code}-${part}` as Key, values);
  return { title: say('title'), detail: say('detail'), next: say('next') };
}
