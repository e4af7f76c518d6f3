// node scripts/test.mjs: everything that needs nothing but npm. ESLint, which takes longer than all other static checks
// together, beside everything else, in what time the others leave; the other checks first, then the tests.
import { spawn } from 'node:child_process';
import os from 'node:os';
import { runJest } from './jest.mjs';
import { ensureInstalled, root, tool, toolEnvironment } from './setup.mjs';

const LINT = ['eslint', ['.']];
const CHECKS = [
  ['prettier', ['--check', '--log-level', 'warn', '.']],
  ['depcruise', ['--config', '.dependency-cruiser.mjs', '--output-type', 'err', 'apps', 'libs', 'test']],
  ['node', ['scripts/gen.mjs', '--check'], 'connector registry'],
  // With more threads than one, each checks again much of what another did, and no processor is idle.
  ['tsc', ['-p', '.', '--singleThreaded'], 'tsc (also builds dist/)'],
];

function run([command, ...parameters], { priority, ...options }) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, parameters, { cwd: root, ...options });
    if (child.pid && priority) os.setPriority(child.pid, priority);
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ code: 1, output: `${error.message}\n` }));
    child.on('exit', (code, signal) => resolve({ code: signal ? 1 : code, output }));
  });
}

async function check([name, parameters, title = name], priority) {
  const started = Date.now();
  const { code, output } = await run(tool(name, ...parameters), { env: toolEnvironment(), priority });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${title} (${seconds} s)\n${code === 0 ? '' : output}`);
  return code === 0;
}

async function checkAll() {
  const passed = [];
  for (const one of CHECKS) passed.push(await check(one));
  return passed.every(Boolean);
}

ensureInstalled();
const linting = check(LINT, os.constants.priority.PRIORITY_BELOW_NORMAL);
const clean = await checkAll();
if (!clean) process.stderr.write('The static checks failed (see above); the tests were not run.\n');
const passed =
  clean &&
  (await runJest(['unit', 'integration', 'e2e'], process.argv.slice(2), { onceMore: process.env.CI === 'true' }));
const linted = await linting;
if (!linted) process.stderr.write('ESLint failed (see above).\n');
process.exitCode = passed && linted ? 0 : 1;
