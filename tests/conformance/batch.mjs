/**
 * The second verifier's command, many times in one process: a process for each record would cost more than its work.
 * Reads {"record", "policy"} as lines of JSON and answers each with {"code", "output"}: what the command would end with
 * and write. The argument is the built command.
 */

import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const { main } = await import(pathToFileURL(process.argv[2]).href);
const write = process.stdout.write.bind(process.stdout);

for await (const line of createInterface({ input: process.stdin })) {
  const { record, policy } = JSON.parse(line);
  let output = '';
  process.stdout.write = (text) => ((output += text), true);
  let code;
  try {
    code = await main([record, '--policy', policy, '--json']);
  } catch (error) {
    // A code that nothing ends with: a fault of the program agrees with no verdict.
    code = -1;
    output = '';
    process.stderr.write(`internal: ${error?.stack ?? error}\n`);
  }
  process.stdout.write = write;
  write(`${JSON.stringify({ code, output })}\n`);
}
