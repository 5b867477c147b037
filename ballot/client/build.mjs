/** Builds the pages into dist/ or the folder that is named, or with --tests the core, the kit and their tests for Node.
 *
 * Tests go below node_modules, because whatever else lies in this folder is part of a release of VeMRE. The pages are
 * made beside them too, and take their place whole: who serves dist/ never finds half of it.
 */

import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const PAGES = ['index.html', 'acceso.html', 'recibo.html', 'reto.html', 'practica.html'].filter((page) => existsSync(at(page)));
/** Where the pages go. */
const TO = process.argv[2] ?? at('dist');
const FRESH = process.argv[2] === undefined ? at(`node_modules/.vemre-pages-${process.pid}`) : `${TO}.new`;

/** What the pages run on; see README.md. */
const TARGET = ['chrome90', 'edge90', 'firefox90', 'safari15'];

/** The one thing that the libraries and the core use, and the oldest of these browsers do not have yet. */
const OLDER = 'Object.hasOwn || (Object.hasOwn = (object, name) => Object.prototype.hasOwnProperty.call(object, name));';

/** One name for the one style sheet, which all pages share. */
const assetFileNames = ({ names }) => (names[0]?.endsWith('.css') ? 'assets/style-[hash][extname]' : 'assets/[name]-[hash][extname]');

function tests() {
  rmSync(at('node_modules/.vemre'), { recursive: true, force: true });
  mkdirSync(at('node_modules/.vemre'), { recursive: true });
  writeFileSync(at('node_modules/.vemre/package.json'), '{"type": "module"}\n');
  const compiler = spawnSync(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', at('tsconfig.test.json')], { stdio: 'inherit' });
  process.exitCode = compiler.status ?? 1;
}

/** One page at a time, so that each has one script without imports: every byte of it is under the page's own hash. */
async function pages() {
  rmSync(FRESH, { recursive: true, force: true });
  for (const page of PAGES) {
    await build({
      root: at('.'),
      base: '/',
      configFile: false,
      publicDir: false,
      logLevel: 'warn',
      worker: { format: 'iife', rolldownOptions: { output: { banner: OLDER } } },
      build: {
        outDir: FRESH,
        emptyOutDir: false,
        target: TARGET,
        cssTarget: TARGET,
        assetsInlineLimit: 0,
        modulePreload: false,
        reportCompressedSize: false,
        rolldownOptions: { input: at(page), output: { codeSplitting: false, assetFileNames, banner: OLDER } },
      },
    });
    const file = `${FRESH}/${page}`;
    writeFileSync(file, withIntegrity(readFileSync(file, 'utf8')));
  }
  const before = `${FRESH}-before`;
  if (existsSync(TO)) renameSync(TO, before);
  renameSync(FRESH, TO);
  rmSync(before, { recursive: true, force: true });
}

/** Every script and style sheet of a page with its hash. */
function withIntegrity(html) {
  return html.replace(/<(script|link)\b([^>]*?)\b(src|href)="(\/assets\/[^"]+)"([^>]*)>/g, (_, tag, before, name, path, after) => {
    const hash = createHash('sha384').update(readFileSync(`${FRESH}${path}`)).digest('base64');
    const rest = `${before}${after}`.replace(/\bcrossorigin\b/g, '').trim().replace(/\s+/g, ' ');
    return `<${tag} ${rest} ${name}="${path}" integrity="sha384-${hash}">`;
  });
}

if (process.argv.includes('--tests')) tests();
else await pages();
