import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hashPushToken, type Capabilities, type PushRequest } from '#connector-sdk';

/** A push as it arrived. */
export type Received = Pick<PushRequest, 'headers' | 'rawBody'> & Required<Pick<PushRequest, 'query'>>;

/** A small HTTP server on this machine that pushes are sent to. */
export interface Receiver {
  readonly url: string;
  /** Waits until this many pushes came, at most `ms`; resolves with those that came. */
  wait(count: number, ms: number): Promise<readonly Received[]>;
  /** Leaves out of what follows whatever came so far. */
  forget(): void;
  close(): Promise<void>;
}

const TICK_MS = 20;

export async function openReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
      );
      const query = Object.fromEntries(new URL(request.url ?? '/', 'http://receiver').searchParams);
      received.push({ headers, query, rawBody: Buffer.concat(chunks) });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}/push`,
    async wait(count, ms) {
      const until = performance.now() + ms;
      while (received.length < count && performance.now() < until)
        await new Promise((resolve) => setTimeout(resolve, TICK_MS));
      return [...received];
    },
    forget() {
      received.length = 0;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}

/** As the hub asks: of a secret that is only compared it keeps no more than the hash. */
export function pushRequestOf(push: Received, secret: string, { pushProof }: Capabilities): PushRequest {
  return { ...push, secret: pushProof === 'token' ? hashPushToken(secret) : secret, now: Date.now() };
}
