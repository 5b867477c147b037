/** A report as elements of the page. All text goes in as text, never as markup. */

import type { BatchResult } from '../src/core/result.js';
import type { Names, Outcome } from '../src/core/verify.js';
import { checkText, type Language, messages, stageText } from '../src/text.js';
import { word } from './words.js';

function element(name: string, text = '', ...children: Node[]): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  made.append(...children);
  return made;
}

type Cell = string | number;

function table(caption: string, head: readonly string[], rows: readonly (readonly Cell[])[]): HTMLElement {
  const isNumber = (column: number) => rows.length > 0 && typeof rows[0]![column] === 'number';
  const cell = (name: string, value: Cell, column: number) => {
    const made = element(name, String(value));
    if (isNumber(column)) made.className = 'number';
    return made;
  };
  const header = head.map((text, column) => {
    const made = cell('th', text, column);
    made.setAttribute('scope', 'col');
    return made;
  });
  const body = rows.map((row) => {
    const cells = row.map((value, column) => cell(column === 0 ? 'th' : 'td', value, column));
    cells[0]!.setAttribute('scope', 'row');
    return element('tr', '', ...cells);
  });
  const made = element('table', '', element('caption', caption), element('thead', '', element('tr', '', ...header)), element('tbody', '', ...body));
  const scroll = element('div', '', made);
  scroll.className = 'scroll';
  scroll.tabIndex = 0;
  scroll.setAttribute('role', 'region');
  scroll.setAttribute('aria-label', caption);
  return scroll;
}

function facts(pairs: readonly (readonly [string, string])[]): HTMLElement {
  return element('dl', '', ...pairs.flatMap(([name, value]) => [element('dt', name), element('dd', value)]));
}

export function summary({ report, detail, names }: Outcome, language: Language): HTMLElement {
  const m = messages(language);
  const failed = report.checks.find(({ status }) => status === 'failed');
  const pairs: [string, string][] = names.election === null ? [] : [[word('election', language), names.election[language]]];
  pairs.push([m.stage, stageText(report.stage, language)]);
  if (failed !== undefined) {
    pairs.push(
      [m.failedCheck, `${failed.id}. ${checkText(failed.id, language)}`], [m.where, failed.where ?? ''],
      [m.party, failed.party ?? m.nobody], [m.detail, detail ?? ''],
    );
  }
  return facts(pairs);
}

function batch(result: BatchResult, names: Names, language: Language): HTMLElement {
  const m = messages(language);
  const known = names.options[result.contest] ?? {};
  const name = (id: string) => known[id] ?? id;
  const title = `${names.urns[result.urn] ?? result.urn} · ${names.contests[result.contest]?.[language] ?? result.contest}`;
  const options = result.options.map(({ option, votes }, k) => [name(option), votes, result.distributed[k]!.votes]);
  const others: Cell[][] = [[m.rows, result.rows], [m.writeIns, result.write_ins.votes], [m.nulls, result.nulls]];
  const parts = [
    element('h3', title),
    table(`${title}: ${m.candidate}`, [m.candidate, m.votes], result.candidates.map(({ id, votes }) => [name(id), votes])),
    table(`${title}: ${m.option}`, [m.option, m.single, m.distributed], options),
  ];
  if (result.combinations.length > 0) {
    const rows = result.combinations.map(({ members, votes }) => [members.map((id) => names.marks[result.contest]?.[id] ?? id).join(' + '), votes]);
    parts.push(table(`${title}: ${m.combination}`, [m.combination, m.votes], rows));
  }
  parts.push(table(`${title}: ${m.rows}`, [word('counted', language), m.votes], others));
  if (result.write_ins.texts.length > 0) {
    parts.push(element('p', m.writeIns), element('ul', '', ...result.write_ins.texts.map((text) => element('li', text))));
  }
  if (result.irregular.length > 0) parts.push(element('p', `${m.irregular}: ${result.irregular.join(', ')}`));
  return element('article', '', ...parts);
}

export function results({ report, names }: Outcome, language: Language): HTMLElement {
  const m = messages(language);
  if (report.result.length === 0) return element('div');
  const title = element('h2', report.certified ? m.official : m.preliminary);
  return element('div', '', title, ...report.result.map((result) => batch(result, names, language)));
}

export function checks({ report }: Outcome, language: Language): HTMLElement {
  const m = messages(language);
  const rows = report.checks.map(({ id, status }) => [id, checkText(id, language), m[status]]);
  const made = table(m.checks, [m.check, m.meaning, m.status], rows);
  made.querySelectorAll('tbody tr').forEach((row, i) => {
    if (report.checks[i]!.status === 'failed') row.className = 'failed';
  });
  return made;
}
