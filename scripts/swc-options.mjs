/** How TypeScript becomes JavaScript in tests and in `npm start`; tsconfig.json says the same to the compiler. */
export const swcOptions = {
  swcrc: false,
  sourceMaps: true,
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
    keepClassNames: true,
  },
};
