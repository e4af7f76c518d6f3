import { z } from 'zod';

interface Operation {
  readonly responses: Readonly<Record<string, { content?: Record<string, { schema: object }> }>>;
}

export interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation & Record<string, unknown>>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

/** Kept for all test files of one worker, which run the same code: to make and read the document takes longer than most of them. */
const MADE = Symbol.for('unisson.tests.contract');
const shared = globalThis as { [MADE]?: Contract };

/** Judges answers by the published document, and nothing else. */
export class Contract {
  private readonly routes: readonly {
    template: string;
    pattern: RegExp;
    methods: Readonly<Record<string, Operation>>;
  }[];
  private readonly schemas = new Map<object, z.ZodType>();

  /** Of the document as an api serves it. */
  static async servedAt(url: string): Promise<Contract> {
    return (shared[MADE] ??= new Contract((await (await fetch(`${url}/openapi.json`)).json()) as Document));
  }

  private constructor(readonly document: Document) {
    const templates = Object.entries(document.paths).map(([template, methods]) => ({
      template,
      pattern: new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/]+')}$`),
      methods,
    }));
    // A fixed path is meant before one with a parameter.
    this.routes = templates.sort((a, b) => Number(a.template.includes('{')) - Number(b.template.includes('{')));
  }

  /** What is wrong with an answer; empty when nothing is. */
  judge(request: { method: string; url: string }, answer: { status: number; type: string; body: string }): string[] {
    const [path = ''] = request.url.split('?');
    const route = this.routes.find(({ pattern }) => pattern.test(path));
    const operation = route?.methods[request.method.toLowerCase()];
    if (!route || !operation) return [];
    const name = `${request.method} ${route.template} ${String(answer.status)}`;
    return this.faultsOf(operation, answer).map((fault) => `${name}: ${fault}`);
  }

  private faultsOf({ responses }: Operation, answer: { status: number; type: string; body: string }): string[] {
    const documented = responses[String(answer.status)];
    if (!documented) return ['this status is not documented'];
    const [type = ''] = answer.type.split(';');
    const schema = documented.content?.[type]?.schema;
    if (schema === undefined) return answer.body === '' ? [] : [`a body of ${type} is not documented`];
    const body: unknown = /json$/.test(type) ? JSON.parse(answer.body) : answer.body;
    const { error } = this.compiled(schema).safeParse(body);
    return (error?.issues ?? []).map((issue) => `${issue.path.join('.')} ${issue.message}`);
  }

  private compiled(schema: object): z.ZodType {
    const known = this.schemas.get(schema);
    if (known) return known;
    const whole = { ...schema, $defs: this.document.components.schemas };
    const local = JSON.parse(JSON.stringify(whole).replaceAll('#/components/schemas/', '#/$defs/')) as Parameters<
      typeof z.fromJSONSchema
    >[0];
    const compiled = z.fromJSONSchema(local);
    this.schemas.set(schema, compiled);
    return compiled;
  }
}
