/** The page: what to verify, progress, and the report. */

import { checkText, type Language, messages } from '../src/text.js';
import type { CheckId } from '../src/core/failure.js';
import type { Outcome } from '../src/core/verify.js';
import { droppedFiles } from './dropped.js';
import { recordFiles } from './files.js';
import type { Answer, Job, Role } from './protocol.js';
import { checks, results, summary } from './view.js';
import { isWord, word, type Word } from './words.js';

/** The worker's program, put here by the build: a page of one file can start it from a disk as well. */
declare const WORKER_SOURCE: string;

const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const [form, drop, working, outcomeSection] = ['form', 'drop', 'working', 'outcome'].map((id) => byId(id)) as [HTMLElement, HTMLElement, HTMLElement, HTMLElement];
const [folder, url, policy] = ['folder', 'url', 'policy'].map((id) => byId<HTMLInputElement>(id)) as [HTMLInputElement, HTMLInputElement, HTMLInputElement];
const bar = byId<HTMLProgressElement>('bar');

let language: Language = new URLSearchParams(location.search).get('lang') === 'en' ? 'en' : 'es';
let files: (readonly [string, File])[] = [];
let workers: Worker[] = [];
let program = '';
let shown: Outcome | null = null;
let problem: { key: Word | null; detail: string } | null = null;
let step: CheckId | null = null;

function translate(): void {
  document.documentElement.lang = language;
  document.title = word('title', language);
  for (const element of document.querySelectorAll<HTMLElement>('[data-text]')) {
    const key = element.dataset.text!;
    if (isWord(key)) element.textContent = word(key, language);
  }
  const switcher = byId('language');
  switcher.textContent = language === 'es' ? 'English' : 'Español';
  switcher.lang = language === 'es' ? 'en' : 'es';
  showChosen();
  showProblem();
  showStep();
  if (shown !== null) show(shown);
}

function showChosen(): void {
  byId('chosen').textContent = files.length === 0 ? '' : `${files.length} ${word('files', language)}`;
}

function showProblem(): void {
  const head = problem === null ? '' : problem.key === null ? messages(language).undecided : word(problem.key, language);
  byId('problem').textContent = problem === null ? '' : [head, problem.detail].filter((part) => part !== '').join(': ');
}

function showStep(): void {
  byId('step').textContent = step === null ? '' : `${step}: ${checkText(step, language)}`;
}

function show(outcome: Outcome): void {
  const valid = outcome.report.verdict === 'valid';
  const verdict = byId('verdict');
  verdict.textContent = valid ? messages(language).valid : messages(language).invalid;
  verdict.className = valid ? 'valid' : 'invalid';
  byId('summary').replaceChildren(summary(outcome, language));
  byId('results').replaceChildren(results(outcome, language));
  byId('checks').replaceChildren(checks(outcome, language));
  outcomeSection.hidden = false;
}

function fail(key: Word | null, detail = ''): void {
  problem = { key, detail };
  showProblem();
}

function finish(): void {
  for (const worker of workers) worker.terminate();
  workers = [];
  URL.revokeObjectURL(program);
  working.hidden = true;
  byId('stop').hidden = true;
  byId<HTMLButtonElement>('start').disabled = false;
}

function hear(answer: Answer): void {
  if (answer.kind === 'progress') {
    const [id, done, total] = [answer.check as CheckId, answer.done, answer.total];
    if (total > 1) bar.value = (100 * done) / total;
    else bar.removeAttribute('value');
    // A status that changes ten times a second would be read aloud ten times a second.
    if (id !== step) {
      step = id;
      showStep();
    }
    return;
  }
  finish();
  if (answer.kind === 'undecided') {
    fail(null, answer.message);
    return;
  }
  shown = answer.outcome;
  show(shown);
  byId('verdict').focus();
}

/** Helpers take some 100 MB each, so a telephone with many small processors gets fewer. */
const MOST_HELPERS = 6;

function worker(): Worker {
  const made = new Worker(program);
  made.addEventListener('error', (event) => {
    finish();
    fail(null, event.message);
  });
  workers.push(made);
  return made;
}

function start(job: Job): void {
  program = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: 'text/javascript' }));
  const leader = worker();
  leader.addEventListener('message', (event: MessageEvent<Answer>) => hear(event.data));
  const helpers = Array.from({ length: Math.min(navigator.hardwareConcurrency || 1, MOST_HELPERS) }, () => {
    const { port1, port2 } = new MessageChannel();
    tell(worker(), { kind: 'help', port: port2 }, [port2]);
    return port1;
  });
  working.hidden = false;
  byId('stop').hidden = false;
  byId<HTMLButtonElement>('start').disabled = true;
  tell(leader, { kind: 'verify', job, helpers }, helpers);
}

const tell = (worker: Worker, role: Role, ports: MessagePort[]): void => worker.postMessage(role, ports);

async function submit(): Promise<void> {
  problem = null;
  shown = null;
  step = null;
  outcomeSection.hidden = true;
  showProblem();
  const address = url.value.trim();
  const chosen = policy.files?.[0];
  if (files.length === 0 && address === '') return fail('needRecord');
  if (chosen === undefined) return fail('needPolicy');
  if (files.length === 0 && !URL.canParse(address, document.baseURI)) return fail('badUrl');
  const bytes = new Uint8Array(await chosen.slice(0, (1 << 20) + 1).arrayBuffer());
  // The worker has no address of its own, so a relative one is completed here.
  start({ policy: bytes, record: files.length > 0 ? { files } : { url: new URL(address, document.baseURI).href } });
}

function choose(found: readonly (readonly [string, File])[]): void {
  files = recordFiles(found);
  showChosen();
}

function save(): void {
  if (shown === null) return;
  const blob = new Blob([`${JSON.stringify(shown.report, null, 2)}\n`], { type: 'application/json' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = 'verification.json';
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Whoever serves the page beside a record says where that is, relative to the page. From a disk nothing can be fetched. */
function proposeRecord(): void {
  const place = document.querySelector<HTMLMetaElement>('meta[name="vemre-record"]')?.content ?? '';
  if (place !== '' && location.protocol.startsWith('http')) url.value = new URL(place, location.href).href;
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  submit().catch((error: unknown) => fail(null, String(error)));
});
folder.addEventListener('change', () => choose([...(folder.files ?? [])].map((file) => [file.webkitRelativePath || file.name, file])));
drop.addEventListener('dragover', (event) => {
  event.preventDefault();
  drop.classList.add('over');
});
drop.addEventListener('dragleave', () => drop.classList.remove('over'));
drop.addEventListener('drop', (event) => {
  event.preventDefault();
  drop.classList.remove('over');
  if (event.dataTransfer !== null) droppedFiles(event.dataTransfer).then(choose, () => fail('unreadable'));
});
byId('language').addEventListener('click', () => {
  language = language === 'es' ? 'en' : 'es';
  translate();
});
byId('stop').addEventListener('click', finish);
byId('save').addEventListener('click', save);
proposeRecord();
translate();
