import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { jestNodeOptions, root, tool, toolEnvironment } from './setup.mjs';

function exitCodeOf(command, env) {
  return new Promise((resolve) => {
    const child = spawn(command[0], command.slice(1), { cwd: root, env, stdio: 'inherit' });
    const pass = (signal) => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, pass);
    child.on('exit', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM']) process.off(name, pass);
      resolve(signal ? 1 : code);
    });
  });
}

/** One run of Jest: whether it passed, its totals, and the files that did not (`null` where it ended before it could say). */
async function once(projects, parameters) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'unisson-jest-'));
  const file = path.join(folder, 'results.json');
  const report = ['--reporters', 'default', '--reporters', './scripts/jest-results.mjs'];
  // These last: each of the two options swallows every word after it.
  const command = tool('jest', ...parameters, ...report, '--selectProjects', ...projects);
  try {
    const code = await exitCodeOf(
      command,
      toolEnvironment({ NODE_OPTIONS: jestNodeOptions(), UNISSON_JEST_RESULTS: file }),
    );
    const results = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : null;
    if (results !== null) process.stdout.write(`${results.totals}\n`);
    return { passed: code === 0, failedFiles: results?.failedFiles ?? [] };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs the tests of these projects. With `onceMore`, files that failed beside others run a second time, alone: what
 * passes then is named as unsteady, what fails again fails the run. Races and kills never get a second chance.
 */
export async function runJest(projects, parameters, { onceMore }) {
  const { passed, failedFiles } = await once(projects, parameters);
  if (passed || !onceMore || failedFiles.length === 0 || projects.includes('chaos')) return passed;
  process.stdout.write(`\nUnsteady, or broken; once more, alone:\n${failedFiles.join('\n')}\n`);
  const again = await once(projects, ['--runInBand', '--runTestsByPath', ...failedFiles]);
  if (again.passed)
    process.stdout.write(`\nUNSTEADY: failed beside others, passed alone:\n${failedFiles.join('\n')}\n`);
  return again.passed;
}
