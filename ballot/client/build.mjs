/** Builds the core and its tests for Node.
 *
 * They go below node_modules, because whatever else lies in this folder is part of a release of VeMRE.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

rmSync(at('node_modules/.vemre'), { recursive: true, force: true });
mkdirSync(at('node_modules/.vemre'), { recursive: true });
writeFileSync(at('node_modules/.vemre/package.json'), '{"type": "module"}\n');
const compiler = spawnSync(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', at('tsconfig.test.json')], { stdio: 'inherit' });
process.exitCode = compiler.status ?? 1;
