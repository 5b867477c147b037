/** Builds the command, the page (one file that also works from a disk), and on request the tests. */

import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const common = { bundle: true, format: 'esm', target: 'es2022', logLevel: 'warning', legalComments: 'inline', charset: 'utf8' };

const { version } = JSON.parse(await readFile(at('package.json'), 'utf8'));

async function command() {
  const define = { VERSION: JSON.stringify(version) };
  await build({ ...common, platform: 'node', define, entryPoints: [at('src/node/cli.ts')], outfile: at('dist/cli.mjs') });
  await build({ ...common, platform: 'node', entryPoints: [at('src/node/helper.ts')], outfile: at('dist/helper.mjs') });
}

async function tests() {
  const names = (await readdir(at('test'))).filter((name) => name.endsWith('.test.ts'));
  await rm(at('dist/test'), { recursive: true, force: true });
  await build({
    ...common, platform: 'node', packages: 'external', outdir: at('dist/test'), outExtension: { '.js': '.mjs' },
    entryPoints: names.map((name) => at(`test/${name}`)),
  });
}

async function script(path, define = {}) {
  const result = await build({ ...common, format: 'iife', minify: true, write: false, define, entryPoints: [at(path)] });
  return result.outputFiles[0].text;
}

const digest = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
/** Inside a script element nothing may look like its end. */
const inline = (text) => text.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--').trim();

async function page() {
  const worker = await script('web/worker.ts');
  const main = inline(await script('web/main.ts', { WORKER_SOURCE: JSON.stringify(worker) }));
  const style = (await readFile(at('web/style.css'), 'utf8')).trim();
  const policy = [
    `default-src 'none'`, `script-src ${digest(main)}`, `style-src ${digest(style)}`, `worker-src blob:`,
    `connect-src 'self' https:`, `base-uri 'none'`, `form-action 'none'`,
  ].join('; ');
  const parts = { POLICY: policy, STYLE: style, SCRIPT: main };
  const template = await readFile(at('web/index.html'), 'utf8');
  await mkdir(at('dist/web'), { recursive: true });
  await writeFile(at('dist/web/index.html'), template.replace(/%(POLICY|STYLE|SCRIPT)%/g, (_, name) => parts[name]));
}

await command();
await page();
if (process.argv.includes('--tests')) await tests();
