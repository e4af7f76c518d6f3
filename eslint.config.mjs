import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const tooMany = (selector, limit, what) => ({
  selector: `${selector}[params.length>${limit}]`,
  message: `At most ${limit} ${what}: pass an object.`,
});

const FUNCTION_PARAMETERS = [
  tooMany('FunctionDeclaration', 4, 'parameters'),
  tooMany('ArrowFunctionExpression', 4, 'parameters'),
  tooMany(':not(MethodDefinition[kind="constructor"]) > FunctionExpression', 4, 'parameters'),
  tooMany('MethodDefinition[kind="constructor"] > FunctionExpression', 6, 'constructor dependencies'),
];

const ENVIRONMENT = [
  { selector: 'MemberExpression[object.name="process"][property.name="env"]' },
  { selector: 'MemberExpression[object.name="process"][property.value="env"]' },
  { selector: 'VariableDeclarator[init.name="process"] Property[key.name="env"]' },
  { selector: 'ImportDeclaration[source.value=/^(node:)?process$/] ImportSpecifier[imported.name="env"]' },
].map((rule) => ({ ...rule, message: 'The environment is read in libs/platform/src/env.ts only.' }));

const DEFAULT_EXPORT = [
  { selector: 'ExportDefaultDeclaration', message: 'Only connector.ts has a default export.' },
  { selector: 'ExportSpecifier[exported.name="default"]', message: 'Only connector.ts has a default export.' },
];

const restricted = (...groups) => ['error', ...groups.flat()];

const NODE_GLOBALS = [
  ...['process', 'console', 'globalThis', 'performance', 'structuredClone', 'Buffer'],
  ...['fetch', 'URL', 'URLSearchParams', 'AbortSignal', 'AbortController', 'TextDecoder', 'TextEncoder'],
  ...['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate'],
];

export default defineConfig(
  { ignores: ['dist/', 'coverage/', 'node_modules/', '.unisson/', 'scripts/templates/'] },
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'max-lines': ['error', 300],
      'max-lines-per-function': ['error', 60],
      complexity: ['error', 12],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: Object.fromEntries(NODE_GLOBALS.map((name) => [name, 'readonly'])) },
    rules: {
      'no-console': 'off',
      'no-empty': 'error',
      'no-undef': 'error',
      'no-unused-vars': 'error',
      'no-unreachable': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-restricted-syntax': restricted(FUNCTION_PARAMETERS, ENVIRONMENT, DEFAULT_EXPORT),
      'no-restricted-imports': [
        'error',
        { paths: [{ name: '@nestjs/common', importNames: ['forwardRef'], message: 'A cycle is a missing port.' }] },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // Nest modules are classes with nothing but a decorator.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // Ports are asynchronous; an implementation in memory has nothing to await.
      '@typescript-eslint/require-await': 'off',
      // It does not know that state changes during an await, and those are the checks this project lives on.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/unbound-method': ['error', { ignoreStatic: true }],
      // Ports are abstract classes so that they exist at run time; whoever has their shape implements them.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['libs/connectors/src/**/*.ts'],
    ignores: ['**/*.spec.ts', '**/*.suite.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'JSON', property: 'parse', message: 'What a backend sent is read by parseJson, in bounded time.' },
      ],
    },
  },
  {
    files: ['libs/connectors/src/*/connector.ts'],
    rules: { 'no-restricted-syntax': restricted(FUNCTION_PARAMETERS, ENVIRONMENT) },
  },
  {
    files: ['libs/platform/src/env.ts', 'libs/platform/src/env.spec.ts', 'test/**/*.ts'],
    rules: { 'no-restricted-syntax': restricted(FUNCTION_PARAMETERS, DEFAULT_EXPORT) },
  },
  {
    // A migration is one long SQL text; cutting it into functions says nothing more.
    files: ['libs/persistence/src/migrations/*.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
  {
    // describe() callbacks hold whole suites; assertions index into what they just checked.
    files: ['**/*.{spec,suite}.ts', 'test/**/*.ts', 'libs/connector-testkit/src/**/*.ts'],
    rules: {
      'no-restricted-syntax': restricted(DEFAULT_EXPORT),
      // A test tells its story in one place; the budgets are for what runs in production.
      'max-lines': ['error', 400],
      complexity: ['error', 20],
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // Connectors and sessions are records of functions: the kit takes them apart.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
