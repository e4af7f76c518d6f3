// node scripts/contract.mjs <name>...: the tests of these connectors, the conformance kit among them; all without a name.
import { spawnSync } from 'node:child_process';
import { connectorNames } from './gen.mjs';
import { ensureInstalled, fail, jestNodeOptions, root, tool, toolEnvironment } from './setup.mjs';

const names = process.argv.slice(2);
ensureInstalled();
const unknown = names.find((name) => !connectorNames().includes(name));
if (unknown) fail(`There is no connector ${unknown}; there are: ${connectorNames().join(', ')}.`);

const wanted = (names.length > 0 ? names : connectorNames()).flatMap((name) => [
  `libs/connectors/src/${name}/`,
  `test/contract/${name}[.-]`,
]);
const projects = ['--selectProjects', 'unit', 'integration'];
const [command, ...rest] = tool('jest', ...projects, '--verbose', '--testPathPatterns', ...wanted);
const env = toolEnvironment({ NODE_OPTIONS: jestNodeOptions() });
process.exitCode = spawnSync(command, rest, { cwd: root, env, stdio: 'inherit' }).status ?? 1;
