// node scripts/run.mjs <tool> [arguments]: runs an installed tool under the pinned Node, installing first when needed.
// Two names are ours: `build`, and `jest <project,...> [arguments]`.
import { spawn } from 'node:child_process';
import { ensureInstalled, fail, jestNodeOptions, root, tool, toolEnvironment } from './setup.mjs';

function commandOf(name, parameters) {
  if (name !== 'jest') return { command: tool(name, ...parameters), env: toolEnvironment() };
  const [projects = '', ...rest] = parameters;
  // Last, because the option swallows every word after it.
  const command = tool('jest', ...rest, '--selectProjects', ...projects.split(','));
  return { command, env: toolEnvironment({ NODE_OPTIONS: jestNodeOptions() }) };
}

const [name, ...parameters] = process.argv.slice(2);
if (!name) fail('Usage: node scripts/run.mjs <tool> [arguments]');
ensureInstalled();

if (name === 'build') {
  const { build } = await import('./build.mjs');
  process.exitCode = build() ? 0 : 1;
} else {
  const { command, env } = commandOf(name, parameters);
  const child = spawn(command[0], command.slice(1), { cwd: root, env, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : code));
}
