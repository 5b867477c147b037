/** What the ballot box answered is not about this voter's ballot. */

import { base64, hex } from '../../core/bytes.ts';
import { leafHash } from '../../core/merkle.ts';
import { shown } from '../../core/tracker.ts';
import { t } from '../../texts/index.ts';
import { h } from '../kit/dom.ts';
import { button } from '../kit/form.ts';
import { saveFile } from '../kit/files.ts';
import { show } from '../kit/page.ts';
import { problemOf } from '../kit/problem.ts';
import { plain } from '../kit/words.ts';
import type { Host } from './booth.ts';

/** The signed ballot, and what was answered to it. */
export interface Evidence {
  readonly entry: Uint8Array;
  readonly answer: unknown;
}

/** Alarms. The ballot stays kept: an honest answer to the same bytes may still come. */
export function alarm(host: Host, error: Error, { entry, answer }: Evidence): void {
  const mine = leafHash(entry);
  const said = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
  const theirs = typeof said['tracker'] === 'string' ? plain(said['tracker']).slice(0, 60) : '—';
  const { code } = problemOf(error);
  const file = (): void => {
    const evidence = { answer, entry: base64(entry), leaf_hash: hex(mine), tracker: shown(mine), code, time: new Date().toISOString() };
    saveFile('vemre-alarma.json', 'application/json', new TextEncoder().encode(JSON.stringify(evidence, null, 2)));
  };
  show({
    title: () => t('alarm-title'),
    body: () => h('section', { class: 'alarm', role: 'alert', 'data-code': code },
      h('h2', {}, t('alarm-what')),
      h('dl', { class: 'facts' },
        h('dt', {}, t('alarm-mine')), h('dd', { class: 'code', id: 'mine' }, shown(mine)),
        h('dt', {}, t('alarm-theirs')), h('dd', { class: 'code', id: 'theirs' }, theirs),
      ),
      h('p', {}, t('alarm-next')),
      h('p', { class: 'small' }, t('error-code', { code })),
      h('div', { class: 'acts' }, button(t('alarm-save'), file, 'main', { id: 'save' }), button(t('sign-out'), () => host.leave(), 'plain', { id: 'leave' })),
    ),
  });
}
