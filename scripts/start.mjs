// npm start: the whole hub on embedded defaults. This part runs on the machine's Node, the rest on the pinned one.
import { spawn } from 'node:child_process';
import { ensureInstalled, root, tool, toolEnvironment } from './setup.mjs';

ensureInstalled();
const [command, ...rest] = tool('node', 'scripts/start-hub.mjs', ...process.argv.slice(2));
// Detached: Ctrl-C reaches the whole process group, and the hub is told once, from here.
const hub = spawn(command, rest, { cwd: root, env: toolEnvironment(), stdio: 'inherit', detached: true });
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => hub.kill(name));
hub.on('exit', (code, signal) => process.exit(signal ? 1 : code));

// npm may be killed without a word to its children.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) hub.kill('SIGTERM');
}, 500).unref();
