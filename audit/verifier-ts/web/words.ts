/** The words of the page that the command does not need. */

import type { Language } from '../src/text.js';

const WORDS = {
  skip: ['Ir al contenido', 'Skip to content'],
  title: ['Verifíquelo usted mismo', 'Verify it yourself'],
  intro: [
    'Esta página comprueba en su propio navegador el expediente completo de una elección y vuelve a contar los votos. ' +
      'No envía nada a nadie y funciona sin conexión.',
    'This page checks the whole record of an election in your own browser and counts the votes again. ' +
      'It sends nothing to anybody and works off line.',
  ],
  recordLegend: ['1. El expediente', '1. The record'],
  dropHint: ['Arrastre aquí la carpeta del expediente, o elíjala:', 'Drop the folder of the record here, or pick it:'],
  folderLabel: ['Carpeta del expediente', 'Folder of the record'],
  urlLabel: ['O su dirección', 'Or its address'],
  urlHint: [
    'La dirección bajo la que están registry/, ballot/, tally/ y blob/. El servidor debe permitir que esta página lo lea.',
    'The address below which registry/, ballot/, tally/ and blob/ stand. The server must allow this page to read it.',
  ],
  policyLegend: ['2. La política', '2. The policy'],
  policyHint: [
    'El archivo con las claves en que usted confía. Obténgalo por otra vía que el expediente: ' +
      'la gaceta oficial, los auditores.',
    'The file with the keys that you trust. Get it by another way than the record: the official gazette, the auditors.',
  ],
  policyLabel: ['Archivo de política (JSON)', 'Policy file (JSON)'],
  start: ['Verificar', 'Verify'],
  stop: ['Detener', 'Stop'],
  workingTitle: ['Verificando', 'Verifying'],
  needRecord: ['Elija la carpeta del expediente o escriba su dirección.', 'Pick the folder of the record or type its address.'],
  needPolicy: ['Elija el archivo de política.', 'Pick the policy file.'],
  badUrl: ['La dirección no es válida.', 'The address is not valid.'],
  files: ['archivos elegidos', 'files chosen'],
  unreadable: ['No se pudo leer la carpeta: elíjala con el botón.', 'The folder could not be read: pick it with the button.'],
  election: ['Elección', 'Election'],
  counted: ['Concepto', 'Kind'],
  save: ['Guardar el informe (JSON)', 'Save the report (JSON)'],
  footer: [
    'Un veredicto válido dice que, de las boletas de la urna a los números publicados, nada se añadió, quitó ni cambió. ' +
      'No dice nada de lo que ocurre antes de que una boleta llegue a la urna.',
    'A valid verdict says that, from the ballots in the urn to the published counts, nothing was added, dropped or ' +
      'changed. It says nothing about what happens before a ballot reaches the urn.',
  ],
} as const satisfies Record<string, readonly [es: string, en: string]>;

export type Word = keyof typeof WORDS;

export const isWord = (text: string): text is Word => Object.hasOwn(WORDS, text);
export const word = (key: Word, language: Language): string => WORDS[key][language === 'es' ? 0 : 1];
