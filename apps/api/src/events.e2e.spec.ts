import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { at, type Practice } from '../../../test/support/practice.js';
import { TestApi, type Client } from './api.suite.js';

let api: TestApi;
let practice: Practice;
let ask: Client;

beforeAll(async () => {
  api = await TestApi.start();
  practice = await api.practice();
  ask = await api.client(practice);
});

afterAll(() => api.stop());

const book = async (time: string): Promise<string> => {
  const patient = { lastName: 'Lefèvre', firstName: 'Anne' };
  const answer = await ask('POST', '/v1/appointments', {
    body: { agenda: practice.agenda, motif: practice.motif, start: at(time), patient },
  });
  return answer.json.id as string;
};

interface Received {
  readonly id: string;
  readonly event: string;
  readonly data: { subject: string };
}

/** Reads a stream until `enough` events came. */
async function listen(
  headers: Record<string, string>,
  enough: number,
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Received[]> {
  const { text: key } = await api.key(practice, ['event:read']);
  const abort = new AbortController();
  const answer = await fetch(`${api.url}/v1/events`, {
    headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream', ...headers },
    signal: abort.signal,
  });
  expect([answer.status, answer.headers.get('content-type'), answer.headers.get('x-content-type-options')]).toEqual([
    200,
    'text/event-stream; charset=utf-8',
    'nosniff',
  ]);
  const done = meanwhile();
  let text = '';
  const decoder = new TextDecoder();
  const events = (): Received[] =>
    text.split('\n\n').flatMap((block) => {
      const fields = Object.fromEntries(
        block.split('\n').map((one) => [one.slice(0, one.indexOf(':')), one.slice(one.indexOf(':') + 2)]),
      );
      return fields['data'] === undefined
        ? []
        : [
            {
              id: fields['id'] ?? '',
              event: fields['event'] ?? '',
              data: JSON.parse(fields['data']) as { subject: string },
            },
          ];
    });
  for await (const chunk of answer.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.endsWith('\n\n') && events().length >= enough) break;
  }
  abort.abort();
  await done;
  return events();
}

test('the log is replayed page by page, and never says who the patient is', async () => {
  const ids = [await book('08:00'), await book('09:00'), await book('10:00')];
  await api.eventsShown(practice);
  const first = await ask('GET', '/v1/events?limit=2');
  expect((first.json.items as { subject: string }[]).map(({ subject }) => subject)).toEqual(ids.slice(0, 2));
  const rest = await ask('GET', `/v1/events?after=${first.json.nextCursor as string}`);
  expect(rest.json.items).toEqual([
    expect.objectContaining({
      type: 'appointment-confirmed',
      agenda: practice.agenda,
      subject: ids[2],
      actor: expect.objectContaining({ kind: 'collaborator', id: practice.collaborator }),
      at: expect.stringMatching(/[+-]\d\d:\d\d$/),
      data: expect.objectContaining({ motif: practice.motif, start: '2031-01-06T11:00:00+01:00', status: 'confirmed' }),
    }),
  ]);
  expect(rest.text).not.toContain('Lefèvre');
  const end = await ask('GET', `/v1/events?after=${rest.json.nextCursor as string}`);
  expect(end.json).toEqual({ items: [], nextCursor: rest.json.nextCursor });
  expect((await ask('GET', '/v1/events?after=x')).json.errors[0].path).toBe('query.after');
});

test('a stream tells what happens from now on', async () => {
  let id = '';
  const [event] = await listen({}, 1, async () => (id = await book('13:00')));
  expect([event?.event, event?.data.subject]).toEqual(['appointment-confirmed', id]);
});

test('a stream that was cut goes on behind the last event', async () => {
  await book('14:00');
  await api.eventsShown(practice);
  const page = await ask('GET', '/v1/events?limit=1');
  const last = page.json.items[0].id as string;
  const all = (await ask('GET', '/v1/events')).json.items as { id: string }[];
  const received = await listen({ 'last-event-id': last }, all.length - 1);
  expect(received.map(({ id }) => id)).toEqual(all.slice(1).map(({ id }) => id));
});

test('a bad position is a problem, not a cut stream', async () => {
  const answer = await ask('GET', '/v1/events', {
    headers: { accept: 'text/event-stream', 'last-event-id': 'nonsense' },
  });
  expect([answer.status, answer.json.errors[0].path]).toEqual([400, 'query.after']);
});
