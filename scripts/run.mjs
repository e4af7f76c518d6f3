// node scripts/run.mjs <tool> [arguments]: runs an installed tool (or `build`) under the pinned Node, installing first
// when needed.
import { spawn } from 'node:child_process';
import { ensureInstalled, fail, jestNodeOptions, root, tool, toolEnvironment } from './setup.mjs';

const [name, ...parameters] = process.argv.slice(2);
if (!name) fail('Usage: node scripts/run.mjs <tool> [arguments]');
ensureInstalled();

if (name === 'build') {
  const { build } = await import('./build.mjs');
  process.exitCode = build() ? 0 : 1;
} else {
  const options = name === 'jest' ? { NODE_OPTIONS: jestNodeOptions() } : {};
  const [command, ...rest] = tool(name, ...parameters);
  const child = spawn(command, rest, { cwd: root, env: toolEnvironment(options), stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : code));
}
