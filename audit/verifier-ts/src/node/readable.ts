/** A report for people, as plain text. */

import type { BatchResult } from '../core/result.js';
import type { Names, Outcome } from '../core/verify.js';
import { checkText, type Language, messages, stageText } from '../text.js';

function table(rows: readonly (readonly [string, number])[]): string[] {
  const width = Math.max(0, ...rows.map(([label]) => label.length));
  return rows.map(([label, votes]) => `    ${label.padEnd(width)}  ${String(votes).padStart(8)}`);
}

/** Texts that voters wrote may not steer the terminal. Counting admits only harmless characters; names are the offer's. */
const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd');

function batchLines(batch: BatchResult, names: Names, language: Language): string[] {
  const m = messages(language);
  const options = names.options[batch.contest] ?? {};
  const marks = names.marks[batch.contest] ?? {};
  const name = (id: string) => plain(options[id] ?? id);
  const title = `${names.urns[batch.urn] ?? batch.urn} · ${names.contests[batch.contest]?.[language] ?? batch.contest}`;
  const combinations = batch.combinations.map(({ members, votes }) => [members.map((id) => plain(marks[id] ?? id)).join(' + '), votes] as const);
  return [
    '',
    `  ${plain(title)} (${m.rows}: ${batch.rows})`,
    `   ${m.candidate}`,
    ...table(batch.candidates.map(({ id, votes }) => [name(id), votes] as const)),
    `   ${m.distributed}`,
    ...table(batch.distributed.map(({ option, votes }) => [name(option), votes] as const)),
    ...(combinations.length > 0 ? [`   ${m.combination}`, ...table(combinations)] : []),
    ...table([[m.writeIns, batch.write_ins.votes], [m.nulls, batch.nulls]]),
    ...batch.write_ins.texts.map((text) => `      "${plain(text)}"`),
    ...(batch.irregular.length > 0 ? [`    ${m.irregular}: ${batch.irregular.join(', ')}`] : []),
  ];
}

export function readable({ report, detail, names }: Outcome, language: Language): string {
  const m = messages(language);
  const valid = report.verdict === 'valid';
  const lines = [valid ? m.valid : m.invalid, `${m.stage}: ${stageText(report.stage, language)}`];
  if (names.election !== null) lines.unshift(plain(names.election[language]));
  const failed = report.checks.find(({ status }) => status === 'failed');
  if (failed !== undefined) {
    lines.push(
      `${m.failedCheck}: ${failed.id}. ${checkText(failed.id, language)}`,
      `${m.where}: ${plain(failed.where ?? '')}`,
      `${m.party}: ${failed.party ?? m.nobody}`,
      `${m.detail}: ${plain(detail ?? '')}`,
    );
  }
  lines.push('', m.checks);
  for (const { id, status } of report.checks) {
    lines.push(`  ${id.padEnd(20)} ${m[status].padEnd(15)} ${checkText(id, language)}`);
  }
  if (report.result.length > 0) {
    lines.push('', report.certified ? m.official : m.preliminary);
    for (const batch of report.result) lines.push(...batchLines(batch, names, language));
  }
  return lines.join('\n');
}
