/** What was found out about a receipt, in plain words. Never what the ballot says: nobody could know that here. */

import { textOf } from '../../core/bytes.ts';
import type { CheckedReceipt } from '../../core/index.ts';
import { shown } from '../../core/tracker.ts';
import { language, t, type Key } from '../../texts/index.ts';
import { h, type Child } from '../kit/dom.ts';
import { button } from '../kit/form.ts';
import { saveFile } from '../kit/files.ts';
import { problemOf } from '../kit/problem.ts';
import { filePicker } from './read.ts';
import type { Outcome } from './outcome.ts';

const RECEIPT_TYPE = 'application/octet-stream';

/** What a voter can do from here. `still` is false where there is no log to look at, as on a second device in practice. */
export interface Ways {
  readonly still: boolean;
  readonly practice: boolean;
  again(): void;
  retry(): void;
  file(file: File): void;
}

/** The heading. */
export function titleOf(outcome: Outcome): string {
  if (outcome.kind === 'found') return t(outcome.checked.quorumReached ? 'found-title' : 'found-pending-title');
  return t(`${outcome.kind}-title`);
}

/** What stands below it. */
export function outcomeView(outcome: Outcome, ways: Ways): Child {
  switch (outcome.kind) {
    case 'found': return foundView(outcome, ways);
    case 'absent': return absentView(outcome, ways);
    case 'contradicted': return contradictedView(outcome, ways);
    case 'not-a-receipt': return notAReceiptView(outcome, ways);
    case 'unverifiable': return unverifiableView(outcome, ways);
  }
}

function foundView({ checked, receipt, now }: Extract<Outcome, { kind: 'found' }>, ways: Ways): Child {
  const complete = checked.quorumReached;
  return [
    h('p', { class: complete ? 'note good' : 'note', id: 'verdict', 'data-quorum': complete ? 'reached' : 'pending' }, t(complete ? 'found-what' : 'found-pending-what')),
    trackerCard(checked, receipt !== null),
    h('section', {},
      h('h2', {}, t('checked')),
      h('ul', { class: 'checks' },
        done('checked-signed'),
        done('checked-place', { index: checked.index + 1, size: checked.size }),
        checked.auditors.length > 0 && done('checked-auditors', { auditors: names(checked.auditors) }),
        checked.missing.length > 0 && h('li', { class: complete ? 'aside' : 'waits' }, mark('waits'), h('span', {}, t(complete ? 'checked-beside' : 'checked-missing', { auditors: names(checked.missing) }))),
        ways.still && done('checked-still', { size: now }),
      ),
      h('p', { class: 'small' }, t('found-secret')),
    ),
    h('div', { class: 'acts' },
      receipt !== null && button(t('receipt-keep'), () => saveFile(nameOf(checked, ways), RECEIPT_TYPE, receipt), 'main', { id: 'keep' }),
      !complete && ways.still && button(t('look-again'), ways.retry, 'plain', { id: 'retry' }),
      button(t('print'), () => print(), 'plain', { id: 'print' }),
      button(t('check-another'), ways.again, 'plain', { id: 'another' }),
    ),
  ];
}

function absentView({ wanted, searched }: Extract<Outcome, { kind: 'absent' }>, ways: Ways): Child {
  return [
    h('section', { class: 'alarm', role: 'alert', id: 'verdict' },
      h('h2', {}, t('absent-what')),
      h('p', {}, t('absent-searched', { size: searched.size })),
      h('p', { class: 'code', id: 'tracker' }, shown(wanted.bytes)),
    ),
    h('h2', {}, t('absent-do')),
    h('ol', { class: 'steps' },
      h('li', {}, t('absent-compare')),
      h('li', {}, t('absent-wait')),
      h('li', {}, t('absent-file')),
      h('li', {}, t('absent-call')),
    ),
    filePicker('receipt-file', t('receipt-file'), '.tlog-proof', ways.file),
    h('div', { class: 'acts' },
      button(t('check-typed-again'), ways.again, 'main', { id: 'another' }),
      button(t('look-again'), ways.retry, 'plain', { id: 'retry' }),
      button(t('evidence-log'), () => saveFile('bitacora-ahora.txt', 'text/plain', searched.checkpoint), 'plain', { id: 'evidence-log' }),
    ),
    h('p', { class: 'small' }, t('absent-secret')),
  ];
}

function contradictedView({ checked, receipt, later }: Extract<Outcome, { kind: 'contradicted' }>, ways: Ways): Child {
  return [
    h('section', { class: 'alarm', role: 'alert', id: 'verdict' },
      h('h2', {}, t('contradicted-what')),
      h('p', {}, t('contradicted-why', { index: checked.index + 1, size: checked.size })),
    ),
    trackerCard(checked, true),
    h('h2', {}, t('absent-do')),
    h('ol', { class: 'steps' }, h('li', {}, t('contradicted-keep')), h('li', {}, t('contradicted-give')), h('li', {}, t('contradicted-proof'))),
    h('div', { class: 'acts' },
      button(t('receipt-keep'), () => saveFile(nameOf(checked, ways), RECEIPT_TYPE, receipt), 'main', { id: 'keep' }),
      button(t('evidence-log'), () => saveFile('bitacora-ahora.txt', 'text/plain', later), 'main', { id: 'evidence-log' }),
      button(t('look-again'), ways.retry, 'plain', { id: 'retry' }),
    ),
    h('p', { class: 'small' }, t('absent-secret')),
  ];
}

function notAReceiptView({ file }: Extract<Outcome, { kind: 'not-a-receipt' }>, ways: Ways): Child {
  const mock = !ways.practice && textOf(file)?.includes('practica.vemre.invalid/') === true;
  return [
    h('section', { class: 'problem', role: 'alert', id: 'verdict' },
      h('h2', {}, t(mock ? 'mock-receipt' : 'not-a-receipt-what')),
      h('p', {}, t(mock ? 'mock-receipt-why' : 'not-a-receipt-why')),
      !mock && h('p', { class: 'next' }, t('not-a-receipt-next')),
    ),
    h('div', { class: 'acts' },
      button(t('check-another'), ways.again, 'main', { id: 'another' }),
      mock && h('a', { class: 'button', href: '/practica' }, t('mock-receipt-go')),
    ),
  ];
}

function unverifiableView({ failure, receipt }: Extract<Outcome, { kind: 'unverifiable' }>, ways: Ways): Child {
  const { code } = problemOf(failure);
  return [
    h('section', { class: 'alarm', role: 'alert', id: 'verdict', 'data-code': code },
      h('h2', {}, t('unverifiable-what')),
      h('p', {}, t('unverifiable-why')),
      h('p', {}, t(receipt === null ? 'unverifiable-next' : 'unverifiable-next-receipt')),
      h('p', { class: 'small' }, t('error-code', { code })),
    ),
    h('div', { class: 'acts' }, button(t('look-again'), ways.retry, 'main', { id: 'retry' }), button(t('check-another'), ways.again, 'plain', { id: 'another' })),
  ];
}

function trackerCard({ tracker }: CheckedReceipt, compare: boolean): Child {
  return h('section', { class: 'card' },
    h('h2', {}, t('tracker')),
    h('p', { class: 'code large center', id: 'tracker' }, tracker),
    compare && h('p', { class: 'small' }, t('tracker-compare')),
  );
}

function done(key: Key, values: Readonly<Record<string, string | number>> = {}): Child {
  return h('li', { class: 'done' }, mark('done'), h('span', {}, t(key, values)));
}

/** The sign before a line; the words say the same, so nobody depends on it. */
const mark = (kind: 'done' | 'waits'): Child => h('span', { class: 'mark-of', 'aria-hidden': 'true' }, kind === 'done' ? '✓' : '…');

/** Roles such as `auditor/2` as a person calls them. */
function names(auditors: readonly string[]): string {
  const each = auditors.map((auditor) => t('auditor-name', { number: auditor.split('/')[1] ?? auditor }));
  return new Intl.ListFormat(language() === 'es' ? 'es-MX' : 'en', { type: 'conjunction' }).format(each);
}

/** The name of a receipt's file. */
const nameOf = ({ tracker }: CheckedReceipt, { practice }: Ways): string => `${practice ? 'SIMULACRO-' : ''}recibo-${tracker.slice(0, 9)}.tlog-proof`;
