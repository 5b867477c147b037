#!/usr/bin/env node
const UNDECIDED = 2;
let main;
try {
  ({ main } = await import('../dist/cli.mjs'));
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  process.stderr.write('Falta construir el verificador / the verifier is not built: npm ci && npm run build\n');
  process.exit(UNDECIDED);
}
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // A fault of this program is no statement about the record.
  process.stderr.write(`Error interno / internal error: ${error?.message ?? error}\n`);
  process.exitCode = UNDECIDED;
}
