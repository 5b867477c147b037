/** What people read, in Spanish and in English. */

import type { CheckId } from './core/failure.js';

export const LANGUAGES = ['es', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

export const isLanguage = (text: string): text is Language => (LANGUAGES as readonly string[]).includes(text);

type Pair = readonly [es: string, en: string];

/** One line per check: what passing it means. */
const CHECK_TEXTS: Readonly<Record<CheckId, Pair>> = {
  PARAMS: ['Los parámetros criptográficos son los fijados', 'The cryptographic parameters are the fixed ones'],
  CANONICAL: ['Cada registro está en su forma canónica', 'Every record is in canonical form'],
  ELEMENT: ['Los elementos del grupo están bien codificados', 'Group elements are well encoded'],
  IDENTITY: ['Ningún elemento es el neutro', 'No element is the identity'],
  SCALAR: ['Los escalares están en su rango', 'Scalars are within range'],
  'BLOB-DIGEST': ['Los archivos anexos están completos y sin alterar', 'Attached files are complete and unaltered'],
  NOTE: ['Los puntos de control están firmados y refrendados', 'Checkpoints are signed and cosigned'],
  LOG: ['Las bitácoras concuerdan con sus puntos de control', 'The logs agree with their checkpoints'],
  CHECKPOINT: ['Los puntos de control citados son estados pasados', 'Cited checkpoints are past states'],
  'RECORD-SIGNATURE': ['Las firmas de los registros son válidas', 'The signatures of records are valid'],
  'RECORD-ROLE': ['Cada registro lo firmó quien puede hacerlo', 'Each record was signed by somebody entitled to'],
  ORDER: ['Los registros siguen el orden debido', 'Records follow the due order'],
  'MANIFEST-AUTHORITY': ['La autoridad es la de la política', 'The authority is that of the policy'],
  'MANIFEST-LOGS': ['Las bitácoras son las de la política', 'The logs are those of the policy'],
  'MANIFEST-AUDITORS': ['Los auditores son los de la política', 'The auditors are those of the policy'],
  'MANIFEST-IDS': ['Los identificadores de la oferta son correctos', 'The ids of the offer are right'],
  'MANIFEST-KEYS': ['Ninguna clave pública se repite', 'No public key stands twice'],
  'MANIFEST-POLICY': ['Números de custodios, mezcladores y auditores', 'Numbers of trustees, mixers and auditors'],
  'MANIFEST-BLOCKS': ['El tamaño de cada boleta es el debido', 'The size of each ballot paper is right'],
  'DKG-ORDER': ['La generación de la clave siguió su orden', 'Key generation followed its order'],
  'DKG-COMMIT': ['Cada custodio reveló lo que comprometió', 'Each trustee revealed what it had committed to'],
  'DKG-DEGREE': ['El umbral de la clave es el debido', 'The threshold of the key is right'],
  'DKG-POP': ['Cada custodio conoce su parte', 'Each trustee knows its part'],
  'DKG-SHARES': ['Cada custodio recibió su parte', 'Each trustee was sent its share'],
  'DKG-ACK': ['Los custodios confirmaron la clave', 'The trustees acknowledged the key'],
  DRILL: ['Los simulacros de descifrado funcionaron', 'The decryption drills worked'],
  'ROLL-URNS': ['La lista de credenciales cubre todas las urnas', 'The roll covers all urns'],
  'ROLL-KEYS': ['Todas las claves son utilizables', 'All keys are usable'],
  'ROLL-UNIQUE': ['Ninguna credencial se repite', 'No credential stands twice'],
  'ROLL-COUNT': ['El número de credenciales es el declarado', 'The number of credentials is the stated one'],
  'ROLL-FROZEN': ['La lista no cambió después de la configuración', 'The roll did not change after setup'],
  SETUP: ['La configuración es la que resulta del registro', 'Setup is what the record yields'],
  'SYSTEM-TWO': ['Dictámenes favorables sobre el sistema', 'Favourable opinions on the system'],
  CONTEXT: ['Cada registro es de esta elección', 'Every record belongs to this election'],
  ROWS: ['El número de boletas es el mismo en todas partes', 'The number of ballots is the same everywhere'],
  'BALLOT-CONTEXT': ['Cada boleta es de esta elección', 'Every ballot belongs to this election'],
  'BALLOT-TIME': ['Apertura y cierre a su tiempo', 'Opened and closed in due time'],
  'BALLOT-ELIGIBLE': ['Cada boleta es de una credencial de la lista', 'Every ballot is by a credential of the roll'],
  'BALLOT-ONCE': ['Una boleta por credencial', 'One ballot per credential'],
  'BALLOT-CONTESTS': ['Cada boleta tiene todas las contiendas', 'Every ballot has all contests'],
  'BALLOT-FRESH': ['Ninguna boleta copia a otra', 'No ballot copies another'],
  'BALLOT-SIGNATURE': ['Las firmas de las boletas son válidas', 'The signatures of ballots are valid'],
  'BALLOT-POK': ['Las pruebas de las boletas son válidas', 'The proofs of ballots are valid'],
  'CLOSE-COUNT': ['El cierre cuenta las boletas de la urna', 'The close counts the ballots of the urn'],
  RECONCILE: ['Las marcas concuerdan con las boletas', 'Marks agree with ballots'],
  'TALLY-INPUT': ['Se mezclaron exactamente las boletas recibidas', 'Exactly the received ballots were mixed'],
  'MIX-CHAIN': ['Cada mezcla continúa la anterior', 'Each mix continues the one before'],
  'MIX-COUNT': ['Pasaron por todos los mezcladores exigidos', 'All required mixers took part'],
  'SHUFFLE-LENGTH': ['Las mezclas tienen el tamaño debido', 'Mixes have the right size'],
  SHUFFLE: ['Las pruebas de mezcla son válidas', 'The proofs of mixing are valid'],
  'MIN-BATCH': ['Los lotes pequeños tienen decisión', 'Small batches have a decision'],
  'DECRYPT-ONCE': ['Cada custodio descifró una vez', 'Each trustee decrypted once'],
  'DECRYPT-PROOF': ['Las pruebas de descifrado son válidas', 'The proofs of decryption are valid'],
  'DECRYPT-QUORUM': ['Descifraron los custodios necesarios', 'Enough trustees decrypted'],
  RESULT: ['El recuento da el resultado publicado', 'Counting again gives the published result'],
  OPINION: ['Los dictámenes cubren toda la elección', 'Opinions cover the whole election'],
  'CERTIFY-TWO': ['Certificación con dictámenes favorables', 'Certified with favourable opinions'],
  GATE: ['Los auditores vieron cada paso antes del siguiente', 'Auditors had seen each step before the next'],
};

const TEXTS = {
  checking: ['Comprobando', 'Checking'],
  usage: [
    'Uso: verify.mjs EXPEDIENTE --policy POLITICA [--json] [--lang es|en]',
    'Usage: verify.mjs RECORD --policy POLICY [--json] [--lang es|en]',
  ],
  undecided: ['Sin veredicto', 'No verdict'],
  valid: ['VÁLIDO', 'VALID'],
  invalid: ['NO VÁLIDO', 'INVALID'],
  official: ['Resultado certificado', 'Certified result'],
  preliminary: ['Resultado PRELIMINAR: falta la certificación', 'PRELIMINARY result: not certified'],
  stage: ['Etapa', 'Stage'],
  failedCheck: ['Comprobación que falla', 'Check that fails'],
  where: ['Lugar', 'Place'],
  party: ['Responde', 'Answers for it'],
  detail: ['Detalle técnico', 'Technical detail'],
  nobody: ['nadie en particular', 'nobody in particular'],
  passed: ['correcto', 'passed'],
  failed: ['FALLA', 'FAILED'],
  'not applicable': ['no aplica', 'not applicable'],
  check: ['Comprobación', 'Check'],
  meaning: ['Qué significa', 'What it means'],
  status: ['Estado', 'Status'],
  checks: ['Comprobaciones', 'Checks'],
  result: ['Resultado', 'Result'],
  rows: ['Boletas', 'Ballots'],
  option: ['Opción', 'Option'],
  single: ['Marcas solas', 'Single marks'],
  distributed: ['Votos distribuidos', 'Distributed votes'],
  candidate: ['Candidatura', 'Candidate'],
  votes: ['Votos', 'Votes'],
  combination: ['Combinación', 'Combination'],
  writeIns: ['No registrados', 'Write-ins'],
  nulls: ['Nulos', 'Null'],
  irregular: ['Filas irregulares (contadas como nulas)', 'Irregular rows (counted as null)'],
} as const satisfies Record<string, Pair>;

const STAGE_TEXTS: Readonly<Record<string, Pair>> = {
  certified: ['certificada', 'certified'],
  result: ['con resultado', 'result'],
  count: ['en recuento', 'count'],
  decryption: ['en descifrado', 'decryption'],
  mixing: ['en mezcla', 'mixing'],
  'tally-input': ['lista para mezclar', 'list to mix'],
  closed: ['urna cerrada', 'closed'],
  open: ['urna abierta', 'open'],
  setup: ['clave lista', 'setup'],
  'key-generation': ['generación de la clave', 'key generation'],
  configuration: ['configuración', 'configuration'],
  empty: ['sin contenido legible', 'nothing readable'],
};

export type Messages = Readonly<Record<keyof typeof TEXTS, string>>;

const column = (language: Language): 0 | 1 => (language === 'es' ? 0 : 1);

export function messages(language: Language): Messages {
  const pairs = Object.entries(TEXTS).map(([key, pair]) => [key, pair[column(language)]]);
  return Object.fromEntries(pairs) as Messages;
}

export const checkText = (id: CheckId, language: Language): string => CHECK_TEXTS[id][column(language)];
export const stageText = (stage: string, language: Language): string => STAGE_TEXTS[stage]?.[column(language)] ?? stage;
