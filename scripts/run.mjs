// node scripts/run.mjs <tool> [arguments]: runs an installed tool under the pinned Node, installing first when needed.
// Two names are ours: `build`, and `jest <project,...> [arguments]`.
import { spawn } from 'node:child_process';
import { runJest } from './jest.mjs';
import { ensureInstalled, fail, root, tool, toolEnvironment } from './setup.mjs';

const [name, ...parameters] = process.argv.slice(2);
if (!name) fail('Usage: node scripts/run.mjs <tool> [arguments]');
ensureInstalled();

if (name === 'build') {
  const { build } = await import('./build.mjs');
  process.exitCode = build() ? 0 : 1;
} else if (name === 'jest') {
  const [projects = '', ...rest] = parameters;
  const passed = await runJest(projects.split(','), rest, { onceMore: process.env.CI === 'true' });
  process.exitCode = passed ? 0 : 1;
} else {
  const command = tool(name, ...parameters);
  const child = spawn(command[0], command.slice(1), { cwd: root, env: toolEnvironment(), stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : code));
}
