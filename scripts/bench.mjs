// npm run bench -- <name> [--json] [--short]: compiles the benches and runs one; its result is the last thing printed.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { compile } from './build.mjs';
import { root, tool, toolEnvironment } from './setup.mjs';

await compile(['apps', 'libs', 'test']);
const [command, ...rest] = tool('node', path.join(root, 'dist/test/bench/main.js'), ...process.argv.slice(2));
process.exitCode = spawnSync(command, rest, { cwd: root, env: toolEnvironment(), stdio: 'inherit' }).status ?? 1;
