// Jest loads every module anew for every test file. For the code of this repository that is the isolation a file needs;
// for the npm packages it was a third of a run. Here a file gets its own copy of every module of ours, and the packages
// as Node loaded them once for the worker. It overrides parts of Jest that are not its interface: whoever updates Jest
// runs the tests, and finds out at the first file.
import { createRequire } from 'node:module';
import { types } from 'node:util';
import vm from 'node:vm';
import Runtime from 'jest-runtime';

const require = createRequire(import.meta.url);
const PACKAGES = Symbol.for('unisson.tests.packages');
// nock replaces parts of node:http for the file that imports it, and puts them back.
const OWN = /[\\/]node_modules[\\/](?:nock|@mswjs|jest-[^\\/]+|@jest|expect)[\\/]/;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const NOT_NAMED = new Set(['default', 'module.exports', '__esModule']);

/** What V8 made of a file of ours when this worker first met it. */
const compiled = new Map();

class CompiledOnce extends vm.SourceTextModule {
  constructor(code, options) {
    const known = compiled.get(options.identifier);
    const isKnown = known !== undefined && known.code === code;
    super(code, isKnown ? { ...options, cachedData: known.data } : options);
    if (!isKnown) compiled.set(options.identifier, { code, data: this.createCachedData() });
  }
}
vm.SourceTextModule = CompiledOnce;

const loaded = (globalThis[PACKAGES] ??= new Map());
const facades = new Map();

const isShared = (file) => /[\\/]node_modules[\\/].*\.[cm]?js$/.test(file) && !OWN.test(file);

/** Source of a module that passes on what Node's own loader holds for this file. */
function facadeOf(file) {
  const known = facades.get(file);
  if (known !== undefined) return known;
  const exported = require(file);
  loaded.set(file, exported);
  const names = Object.keys(exported).filter((name) => !NOT_NAMED.has(name) && IDENTIFIER.test(name));
  const isModule = types.isModuleNamespaceObject(exported);
  const facade = [
    `const held = globalThis[Symbol.for('${PACKAGES.description}')].get(${JSON.stringify(file)});`,
    ...names.map((name, index) => `const n${index} = held[${JSON.stringify(name)}];`),
    `export { ${names.map((name, index) => `n${index} as ${name}`).join(', ')} };`,
    isModule ? ('default' in exported ? 'export default held.default;' : '') : 'export default held;',
  ].join('\n');
  facades.set(file, facade);
  return facade;
}

export default class ProcessRuntime extends Runtime {
  constructor(...parameters) {
    super(...parameters);
    const { esmLoader, executor, transformCache, _resolution: resolution } = this;
    esmLoader.getContext = () => undefined;
    executor.compile = (source, filename) =>
      vm.compileFunction(source, executor.injectedModuleParameters, { filename });
    const shouldLoadAsEsm = resolution.shouldLoadAsEsm.bind(resolution);
    resolution.shouldLoadAsEsm = (file) => isShared(file) || shouldLoadAsEsm(file);
    const transform = transformCache.transform.bind(transformCache);
    transformCache.transform = (file, options) =>
      options.supportsStaticESM && isShared(file) ? facadeOf(file) : transform(file, options);
  }
}
