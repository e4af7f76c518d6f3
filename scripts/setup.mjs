// Runs on whatever Node the machine has, before anything is installed: only Node's own modules, and nothing newer than
// Node 20.19 offers.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const MINIMUM = [20, 19];
const WANTED_MAJOR = 24;

/** Ends the process with one sentence: what is wrong and what to do. */
export function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return;
  fail(`Node.js ${process.versions.node} is too old: install Node.js ${MINIMUM.join('.')} or newer.`);
}

const readJson = (file) => JSON.parse(fs.readFileSync(path.join(root, file), 'utf8'));

/** npm leaves a record of what it installed; packages for other machines are missing from it, and may be. */
function matchesLockFile() {
  let wanted;
  try {
    wanted = readJson('package-lock.json').packages;
  } catch {
    return fail('package-lock.json is missing or broken: restore it (git checkout package-lock.json).');
  }
  let installed;
  try {
    installed = readJson('node_modules/.package-lock.json').packages;
  } catch {
    return false;
  }
  return Object.entries(wanted).every(([folder, { version, optional }]) => {
    if (folder === '') return true;
    const found = installed[folder];
    return found ? found.version === version : optional === true;
  });
}

function install() {
  process.stdout.write('Installing dependencies (npm ci) ...\n');
  // --include=dev: NODE_ENV=production would leave out the compiler and the test tools.
  const result = spawnSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  if (result.error?.code === 'ENOENT') fail('npm was not found: install npm, it usually comes with Node.js.');
  if (result.status === 0) return;
  if (/EACCES|EROFS|EPERM/.test(result.stderr)) fail(`npm cannot write to ${root}: check who owns the folder.`);
  if (/ENOSPC/.test(result.stderr)) fail('The disk is full: npm could not install the dependencies.');
  process.stderr.write(result.stderr);
  fail('npm could not install the dependencies (see above); is the package registry reachable?');
}

const binary = (name) => path.join(root, 'node_modules', '.bin', name);

let chosenNode;

/** The Node that runs everything but setup: the one pinned in package.json, wherever it could be installed. */
export function nodeBinary() {
  if (chosenNode) return chosenNode;
  const pinned = binary('node');
  const works = fs.existsSync(pinned) && spawnSync(pinned, ['--version']).status === 0;
  if (!works && Number(process.versions.node.split('.')[0]) < WANTED_MAJOR) {
    fail(`Node.js ${WANTED_MAJOR} was not installed with the dependencies: run "npm ci", then try again.`);
  }
  chosenNode = works ? pinned : process.execPath;
  return chosenNode;
}

/** Installs what package-lock.json says unless that is what is installed. */
export function ensureInstalled() {
  checkNode();
  if (!matchesLockFile()) install();
  return nodeBinary();
}

/** Environment in which `node` and every installed tool are the pinned ones. */
export function toolEnvironment(extra = {}) {
  const bin = path.join(root, 'node_modules', '.bin');
  return { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH ?? ''}`, ...extra };
}

/** Jest runs ES modules through an interface that Node still calls experimental. */
export function jestNodeOptions() {
  const given = process.env.NODE_OPTIONS ? `${process.env.NODE_OPTIONS} ` : '';
  return `${given}--experimental-vm-modules --disable-warning=ExperimentalWarning`;
}

/** Command line of an installed tool, run by the pinned Node. */
export function tool(name, ...parameters) {
  if (name === 'node') return [nodeBinary(), ...parameters];
  // Two packages bring a tsc: this one is TypeScript 7, a third of the work of TypeScript 6.
  if (name === 'tsc') return [nodeBinary(), path.join(root, 'node_modules/typescript-native/bin/tsc'), ...parameters];
  return [nodeBinary(), fs.realpathSync(binary(name)), ...parameters];
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) ensureInstalled();
