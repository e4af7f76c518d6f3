// node scripts/test.mjs: everything that needs nothing but npm. Static checks first, two at a time; then the tests.
import { spawn } from 'node:child_process';
import { runJest } from './jest.mjs';
import { ensureInstalled, root, tool, toolEnvironment } from './setup.mjs';

const CHECKS = [
  ['eslint', ['.']],
  ['prettier', ['--check', '--log-level', 'warn', '.']],
  ['depcruise', ['--config', '.dependency-cruiser.mjs', '--output-type', 'err', 'apps', 'libs', 'test']],
  ['node', ['scripts/gen.mjs', '--check'], 'connector registry'],
  ['tsc', ['-p', '.'], 'tsc (also builds dist/)'],
];

function run([command, ...parameters], options) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, parameters, { cwd: root, ...options });
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ code: 1, output: `${error.message}\n` }));
    child.on('exit', (code, signal) => resolve({ code: signal ? 1 : code, output }));
  });
}

async function check([name, parameters, title = name]) {
  const started = Date.now();
  const { code, output } = await run(tool(name, ...parameters), { env: toolEnvironment() });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${title} (${seconds} s)\n${code === 0 ? '' : output}`);
  return code === 0;
}

async function checkAll() {
  const waiting = [...CHECKS];
  const passed = [];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) passed.push(await check(next));
  };
  await Promise.all([lane(), lane()]);
  return passed.every(Boolean);
}

ensureInstalled();
const clean = await checkAll();
if (!clean) process.stderr.write('The static checks failed (see above); the tests were not run.\n');
const passed =
  clean &&
  (await runJest(['unit', 'integration', 'e2e'], process.argv.slice(2), { onceMore: process.env.CI === 'true' }));
process.exitCode = passed ? 0 : 1;
