import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** A request that went through, as the server answered it. */
export interface Passed {
  readonly method: string;
  readonly target: string;
  readonly status: number;
}

/**
 * What the proxy does with one request: answer itself, `reset` the connection, `hang`, forward it and lose the answer
 * (`drop`, `mute`: the same without closing), answer 201 without forwarding (`lose`), cut the answer short (`tear`),
 * forward it twice and give the second answer (`twice`), hold it up before it is forwarded, or `undefined` to pass it on.
 */
export type Interference =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | 'reset'
  | 'hang'
  | 'drop'
  | 'mute'
  | 'lose'
  | 'tear'
  | 'twice'
  /** Milliseconds; it arrives whether or not its sender still waits. */
  | { readonly heldUpMs: number }
  | undefined;

export type Interferer = (request: {
  readonly method: string;
  readonly target: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}) => Interference;

/** A counting relay in front of a loopback server that can be made to misbehave. */
export class DavProxy {
  readonly passed: Passed[] = [];
  interfere: Interferer = () => undefined;
  /** Whether requests and answers are written down, headers included. */
  listens = false;
  heard = '';
  readonly #server: http.Server;
  readonly #upstream: URL;

  private constructor(upstream: string) {
    this.#upstream = new URL(upstream);
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
  }

  static async start(upstream: string): Promise<DavProxy> {
    const proxy = new DavProxy(upstream);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
  }

  /** Methods of the requests since the last call. */
  take(): string[] {
    return this.passed.splice(0).map(({ method }) => method);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      const method = request.method ?? '';
      const target = request.url ?? '';
      const todo = this.interfere({ method, target, headers: request.headers, body: body.toString() });
      if (todo === 'hang') return;
      if (todo === 'reset') return void request.socket.destroy();
      if (todo === 'lose') return void response.writeHead(201).end();
      if (typeof todo === 'object' && 'status' in todo)
        return void response.writeHead(todo.status, todo.headers).end(todo.body ?? '');
      if (typeof todo === 'object') await sleep(todo.heldUpMs);
      if (todo === 'twice') await this.#forward(request, body);
      const answer = await this.#forward(request, body);
      this.passed.push({ method, target, status: answer.status });
      if (this.listens) this.heard += spoken({ method, target, headers: request.headers, body }, answer);
      if (todo === 'mute') return;
      if (todo === 'drop') return void request.socket.destroy();
      if (todo === 'tear') {
        response.writeHead(answer.status, { ...answer.headers, 'content-length': String(answer.body.length + 10) });
        response.write(answer.body.subarray(0, Math.ceil(answer.body.length / 2)), () => request.socket.destroy());
        return;
      }
      response.writeHead(answer.status, answer.headers).end(answer.body);
    } catch {
      request.socket.destroy();
    }
  }

  #forward(
    request: http.IncomingMessage,
    body: Buffer,
  ): Promise<{ status: number; headers: http.IncomingHttpHeaders; body: Buffer }> {
    return new Promise((resolve, reject) => {
      const { host: _host, connection: _connection, ...headers } = request.headers;
      // Servers close connections without a word: what the hub does then is not looked at through a relay.
      const options = {
        agent: false,
        method: request.method,
        headers: { ...headers, host: this.#upstream.host },
        path: request.url,
      };
      const forwarded = http.request(this.#upstream, options, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const { 'transfer-encoding': _encoding, connection: _closing, ...kept } = answer.headers;
          resolve({ status: answer.statusCode ?? 502, headers: kept, body: Buffer.concat(chunks) });
        });
      });
      forwarded.on('error', reject);
      forwarded.end(body);
    });
  }
}

/** One exchange: request line, headers and body, then status and body of the answer. */
function spoken(
  {
    method,
    target,
    headers,
    body,
  }: { method: string; target: string; headers: http.IncomingHttpHeaders; body: Buffer },
  answer: { readonly status: number; readonly body: Buffer },
): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
  return [
    `${method} ${target}`,
    ...lines,
    body.toString(),
    `${String(answer.status)} ${answer.body.toString()}`,
    '',
  ].join('\n');
}
