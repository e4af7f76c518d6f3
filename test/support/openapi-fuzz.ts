import fc from 'fast-check';

/** The part of JSON Schema that the published document uses. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema?: Schema;
}

/** One route, as the document tells it. */
export interface FuzzTarget {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly template: string;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | null;
}

export interface FuzzRequest {
  readonly target: FuzzTarget;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

interface FuzzDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

/** What attackers and bad programs send where a text is expected. */
export const HOSTILE_TEXTS = [
  ...['', ' ', '\u0000', 'a\u0000b', '\ud800', '\udfff\ud800', '\u202e', '\ufeff', 'é'.normalize('NFD'), '𝔘'],
  ...["'; DROP TABLE appointment; --", `" OR ''='`, '$(id)', '`id`', '${7*7}', '{{7*7}}', '<script>alert(1)</script>'],
  ...['=1+1', '+1', '-1', '@SUM(A1)', '|calc', 'a\r\nSet-Cookie: x=1', 'a\nlevel=fatal', '%0d%0a', '../../etc/passwd'],
  ...['__proto__', 'constructor', 'null', 'NaN', '1e309', '0x1', '-0', 'true', '9'.repeat(400), 'a'.repeat(3000)],
  ...['http://127.0.0.1/', 'http://[::1]/', 'http://169.254.169.254/', 'file:///etc/passwd', 'javascript:alert(1)'],
  ...['2027-02-30T00:00:00Z', '2027-03-28T02:30:00+01:00', '+275760-09-13T00:00:00Z', '0000-00-00', 'Europe/Nowhere'],
];

const HOSTILE: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...HOSTILE_TEXTS),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, [], {}, [[[[]]]]),
  fc.constant(JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}') as unknown),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Makes requests out of the published document: near the schema, and beside it on purpose. */
export class OpenApiFuzz {
  readonly targets: readonly FuzzTarget[];

  /** `ids`: UUIDs that stand for something. */
  constructor(
    private readonly document: FuzzDocument,
    private readonly ids: readonly string[],
  ) {
    this.targets = Object.entries(document.paths).flatMap(([template, methods]) =>
      Object.entries(methods).map(([method, operation]) => {
        const body = operation['requestBody'] as { content?: Record<string, { schema?: Schema }> } | undefined;
        return {
          method: method.toUpperCase() as FuzzTarget['method'],
          template,
          parameters: (operation['parameters'] ?? []) as Parameter[],
          body: body?.content?.['application/json']?.schema ?? null,
        };
      }),
    );
  }

  request(): fc.Arbitrary<FuzzRequest> {
    return fc.constantFrom(...this.targets).chain((target) => this.requestTo(target));
  }

  requestTo(target: FuzzTarget): fc.Arbitrary<FuzzRequest> {
    const inPath = [...target.template.matchAll(/\{([^}]+)\}/g)].map((_) => this.id());
    const query = target.parameters.filter((parameter) => parameter.in === 'query');
    return fc
      .record({
        path: fc.tuple(...inPath),
        query: fc.tuple(
          ...query.map(({ schema = {} }) => fc.option(this.spoilt(schema, 3), { freq: 2, nil: undefined })),
        ),
        stranger: fc.option(fc.constantFrom('__proto__', 'limit[]', 'x', 'constructor'), { freq: 12, nil: undefined }),
        match: fc.option(fc.constantFrom('"1"', '"0"', '*', 'W/"1"', '"99999999999"', 'x'), { nil: undefined }),
        key: fc.option(fc.constantFrom('k', 'a'.repeat(255), 'a'.repeat(256), 'x y'), { freq: 6, nil: undefined }),
        body: target.body === null ? fc.constant(undefined) : this.spoilt(target.body, 8),
      })
      .map(({ path, query: values, stranger, match, key, body }) => {
        const search = new URLSearchParams();
        for (const [index, { name }] of query.entries())
          for (const value of [values[index]].flat()) if (value !== undefined) search.append(name, textOf(value));
        if (stranger !== undefined) search.append(stranger, '1');
        let index = 0;
        const filled = target.template.replace(/\{[^}]+\}/g, () => encodeURIComponent(path[index++] ?? ''));
        const headers = {
          ...(match === undefined ? {} : { 'if-match': match }),
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        };
        return { target, path: search.size === 0 ? filled : `${filled}?${search.toString()}`, headers, body };
      });
  }

  /** A body as the schema wants it, for tests that need to get past the first check. */
  wellFormed(schema: Schema, seed: number): unknown {
    return fc.sample(this.of(schema, 0), { numRuns: 1, seed })[0];
  }

  /** The fields that a body may have. */
  fieldsOf(given: Schema): string[] {
    const schema = this.resolve(given);
    const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
    return [...Object.keys(schema.properties ?? {}), ...parts.flatMap((part) => this.fieldsOf(part))];
  }

  private id(): fc.Arbitrary<string> {
    return fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...this.ids) },
      { weight: 2, arbitrary: fc.uuid() },
      {
        weight: 1,
        arbitrary: fc.constantFrom('x', '%00', '..x', '__proto__', 'a'.repeat(200), '\ud800'.toWellFormed()),
      },
    );
  }

  /** One value in `rarely` is replaced by something else altogether. */
  private spoilt(schema: Schema, rarely: number): fc.Arbitrary<unknown> {
    return fc.oneof({ weight: rarely, arbitrary: this.of(schema, 0, true) }, { weight: 1, arbitrary: HOSTILE });
  }

  private of(given: Schema, depth: number, spoil = false): fc.Arbitrary<unknown> {
    const schema = this.resolve(given);
    const inner = (part: Schema): fc.Arbitrary<unknown> => {
      const clean = this.of(part, depth + 1, spoil);
      return spoil ? fc.oneof({ weight: 20, arbitrary: clean }, { weight: 1, arbitrary: HOSTILE }) : clean;
    };
    if (depth > 6) return fc.constant(null);
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum) return fc.constantFrom(...schema.enum);
    const several = schema.anyOf ?? schema.oneOf;
    if (several) return fc.oneof(...several.map((one) => this.of(one, depth, spoil)));
    if (schema.allOf)
      return fc
        .tuple(...schema.allOf.map((one) => this.of(one, depth, spoil)))
        .map((parts) => Object.assign({}, ...parts) as unknown);
    return this.ofType(schema, inner);
  }

  private ofType(schema: Schema, inner: (part: Schema) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
    const type = Array.isArray(schema.type) ? (schema.type as readonly string[])[0] : schema.type;
    const { minimum = 0, maximum = 1000 } = schema;
    switch (type) {
      case 'object':
        return this.ofObject(schema, inner);
      case 'array': {
        const { minItems: minLength = 0, maxItems = 4 } = schema;
        return fc.array(inner(schema.items ?? {}), {
          minLength,
          maxLength: Math.max(minLength, Math.min(4, maxItems)),
        });
      }
      case 'integer':
        return fc.integer({
          min: Math.max(minimum, -(2 ** 31)),
          max: Math.min(Math.max(minimum, maximum), 2 ** 31 - 1),
        });
      case 'number':
        return fc.double({ min: minimum, max: Math.max(minimum, maximum), noNaN: true });
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      default:
        return this.ofText(schema);
    }
  }

  private ofObject(schema: Schema, inner: (part: Schema) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
    const { properties = {}, required = [], additionalProperties } = schema;
    const known = fc.record(Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, inner(part)])), {
      requiredKeys: [...required],
    });
    if (typeof additionalProperties !== 'object') return known;
    const more = fc.dictionary(fc.constantFrom('a', 'question-1', 'b'), inner(additionalProperties), {
      maxKeys: 2,
    });
    return fc.tuple(known, more).map(([first, second]) => ({ ...second, ...first }));
  }

  private ofText({ format, minLength = 1, maxLength = 60 }: Schema): fc.Arbitrary<string> {
    if (format === 'uuid') return this.id();
    if (format === 'date-time') {
      const range = { min: new Date('2026-01-01'), max: new Date('2032-01-01'), noInvalidDate: true };
      return fc.date(range).map((date) => date.toISOString());
    }
    if (format === 'date') return fc.constantFrom('2031-01-06', '1980-05-31', '2024-02-29');
    if (format === 'uri') return fc.constantFrom('https://agenda.invalid/', 'http://127.0.0.1:1/');
    const text = fc.string({
      minLength: Math.min(minLength, 40),
      maxLength: Math.max(minLength, Math.min(40, maxLength)),
    });
    return fc.oneof(
      text,
      fc.constantFrom('2031-01-06T10:00', '10:00', 'Europe/Paris', 'FREQ=DAILY', 'P1D', '30', 'in-house'),
    );
  }

  private resolve(schema: Schema): Schema {
    const name = schema.$ref?.split('/').at(-1);
    return name === undefined ? schema : this.resolve(this.document.components.schemas[name] ?? {});
  }
}

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.toWellFormed();
}
