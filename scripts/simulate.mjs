// npm run simulate -- --seed 42 --vendor caldav         one run, with its history
// npm run simulate -- --seeds 20000 [--from 1] [--vendor caldav]   many runs, the vendors by turns
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { transformFileSync } from '@swc/core';
import { compile } from './build.mjs';
import { root } from './setup.mjs';
import { swcOptions } from './swc-options.mjs';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string' },
    vendor: { type: 'string' },
  },
});

function compileTests(folder, wanted) {
  for (const name of fs.readdirSync(path.join(root, folder)).filter(wanted)) {
    const output = path.join(root, 'dist', folder, name.replace(/\.ts$/, '.js'));
    const options = { ...swcOptions, cwd: root, sourceMaps: 'inline', module: { type: 'es6' } };
    fs.mkdirSync(path.dirname(output), { recursive: true });
    fs.writeFileSync(output, transformFileSync(path.join(root, folder, name), options).code);
  }
}

await compile();
compileTests('test/simulation', (name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'));
compileTests('test/support', (name) => name === 'history.ts');
const simulation = path.join(root, 'dist/test/simulation');
const { campaign, summaryOf } = await import(path.join(simulation, 'campaign.js'));
const { simulate } = await import(path.join(simulation, 'simulate.js'));
const { VENDORS } = await import(path.join(simulation, 'vendor.js'));
const vendors = values.vendor ? [values.vendor] : Object.keys(VENDORS);

if (values.seed) {
  const seed = Number(values.seed);
  const { history, violations } = await simulate({ seed, vendor: vendors[seed % vendors.length] });
  for (const op of history) console.log(JSON.stringify(op));
  for (const { type, detail } of violations) console.log(`VIOLATION ${type}: ${detail}`);
  process.exitCode = violations.length > 0 ? 1 : 0;
} else {
  const result = await campaign({ from: Number(values.from ?? 1), seeds: Number(values.seeds ?? 5_000), vendors });
  for (const [type, first] of result.found) console.log(`${type}: ${first}`);
  console.log(summaryOf(result));
  process.exitCode = result.found.size > 0 ? 1 : 0;
}
