// node scripts/new-connector.mjs <name>: a connector of that name, its simulator and its contract, from the templates.
import fs from 'node:fs';
import path from 'node:path';
import { camelCase, generate } from './gen.mjs';
import { fail, root } from './setup.mjs';

const name = process.argv[2] ?? '';
if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 40) {
  fail('Usage: npm run new:connector <name>, the name in lower case letters, digits and dashes.');
}

const PLACES = {
  connector: path.join('libs/connectors/src', name),
  simulator: path.join('apps/mock-vendors/src', name),
  contract: 'test/contract',
};
const filled = (text) =>
  text
    .replaceAll('__name__', name)
    .replaceAll('__Name__', camelCase(`-${name}`))
    .replaceAll('__camel__', camelCase(name));

const files = Object.entries(PLACES).flatMap(([template, place]) => {
  const from = path.join(root, 'scripts/templates', template);
  return fs.readdirSync(from).map((file) => [path.join(from, file), path.join(root, place, filled(file))]);
});
const there = files.map(([, to]) => to).find((to) => fs.existsSync(to));
if (there) fail(`There is a connector ${name} already: ${path.relative(root, there)}.`);

for (const [from, to] of files) {
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.writeFileSync(to, filled(fs.readFileSync(from, 'utf8')));
}
generate();
process.stdout.write(`Made ${PLACES.connector}, ${PLACES.simulator} and test/contract/${name}.integration.spec.ts; next:
  1. npm run test:contract -- ${name}    (green: it reads, and writes nothing yet)
  2. docs/connector-author.md, "From nothing to a green kit"
`);
