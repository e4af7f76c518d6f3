import { describe, expect, it } from '@jest/globals';
import {
  call,
  CALENDAR,
  event,
  failed,
  found,
  multistatus,
  open,
  scriptServer,
  withData,
  useServers,
  type Answer,
  type Seen,
} from './scripted-server.suite.js';

useServers();

const START = Date.parse('2027-06-07T10:00:00Z');
const request = {
  agendaId: CALENDAR,
  reference: 'rdv-1',
  content: { start: START, end: START + 1_800_000, timeZone: 'Europe/Paris', summary: 'Consultation' },
};
const PATH = `${CALENDAR}rdv-1.ics`;
const OURS = event('rdv-1@unisson', [
  'DTSTART:20270607T100000Z',
  'DTEND:20270607T103000Z',
  'SUMMARY:Consultation',
  'X-UNISSON-REFERENCE:rdv-1',
]);
const stored = (body = OURS, tag = '"1"'): Answer => ({
  status: 200,
  body,
  headers: { ETag: tag, 'Content-Type': 'text/calendar' },
});

/** A server that answers each method in one way. */
function byMethod(answers: Readonly<Record<string, Answer | 'reset'>>): Seen[] {
  return scriptServer(({ method }) => answers[method] ?? { status: 404 });
}

const methods = (seen: readonly Seen[]): string[] => seen.map(({ method }) => method);

describe('store', () => {
  it('leaves the reading back to the next pull', async () => {
    const seen = byMethod({ PUT: { status: 201 } });
    expect(await open().store?.(request, call)).toBeNull();
    expect(methods(seen)).toEqual(['PUT']);
    expect(seen[0]).toMatchObject({ target: PATH, headers: { 'if-none-match': '*' } });
  });

  it('answers with what stood there already', async () => {
    byMethod({ PUT: { status: 412 }, GET: stored() });
    expect(await open().store?.(request, call)).toMatchObject({ remoteId: PATH, reference: 'rdv-1' });
  });

  it('changes only the version it was meant for', async () => {
    const later = { ...request.content, start: START + 3_600_000, end: START + 5_400_000 };
    const change = { ...request, remoteId: PATH, version: '"1"', content: later };
    const seen = byMethod({ PUT: { status: 204 }, GET: stored() });
    expect(await open().store?.(change, call)).toBeNull();
    expect(methods(seen)).toEqual(['GET', 'PUT']);
    expect(seen[1]?.headers['if-match']).toBe('"1"');
    await expect(open().store?.({ ...change, version: '"0"' }, call)).rejects.toMatchObject({ kind: 'stale' });
    byMethod({ PUT: { status: 412 }, GET: stored() });
    await expect(open().store?.(change, call)).rejects.toMatchObject({ kind: 'stale' });
  });
});

describe('create', () => {
  it('writes only where nothing stands, and reads back what was stored', async () => {
    const seen = byMethod({ PUT: { status: 201 }, GET: stored() });
    expect(await open().create(request, call)).toMatchObject({
      remoteId: PATH,
      version: '"1"',
      reference: 'rdv-1',
      when: { start: START },
      summary: 'Consultation',
    });
    expect(methods(seen)).toEqual(['PUT', 'GET']);
    expect(seen[0]).toMatchObject({
      target: PATH,
      headers: { 'if-none-match': '*', 'content-type': 'text/calendar; charset=utf-8' },
    });
  });

  it.each([
    ['412', { status: 412 }],
    [
      '409',
      {
        status: 409,
        body: '<d:error xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><c:no-uid-conflict/></d:error>',
      },
    ],
    ['400', { status: 400 }],
    ['412 within a multistatus', multistatus(failed(PATH, 412))],
  ])('takes our earlier attempt for the answer after %s', async (_what, refusal) => {
    byMethod({ PUT: refusal, GET: stored() });
    expect(await open().create(request, call)).toMatchObject({ remoteId: PATH, reference: 'rdv-1' });
  });

  it('finds our earlier attempt at another address', async () => {
    byMethod({ PUT: { status: 409 }, GET: { status: 404 }, REPORT: multistatus(withData('autre', OURS)) });
    expect(await open().create(request, call)).toMatchObject({ remoteId: `${CALENDAR}autre.ics` });
  });

  it.each<[string, Answer, string]>([
    ['a foreign event at the address', { status: 412 }, 'stale'],
    [
      'a refusal of the data',
      {
        status: 403,
        body: '<d:error xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><c:valid-calendar-data/></d:error>',
      },
      'invalid',
    ],
    ['a refusal', { status: 403 }, 'forbidden'],
    ['a full account', { status: 507 }, 'invalid'],
    ['too large an event', { status: 413 }, 'invalid'],
    ['a locked calendar', { status: 423 }, 'unavailable'],
    ['a calendar that takes no writes', { status: 405 }, 'forbidden'],
    ['wrong credentials', { status: 401 }, 'auth'],
    ['too many requests', { status: 429 }, 'rate_limited'],
    ['maintenance', { status: 503, headers: { 'Retry-After': '120' } }, 'unavailable'],
    ['500', { status: 500 }, 'unknown'],
    ['502', { status: 502 }, 'unknown'],
    ['503', { status: 503 }, 'unknown'],
    ['504', { status: 504 }, 'unknown'],
    ['a multistatus that says nothing', multistatus(), 'unknown'],
    ['a torn multistatus', { status: 207, body: '<d:multi' }, 'unknown'],
  ])('fails after %s', async (_what, refusal, kind) => {
    byMethod({ PUT: refusal, GET: stored(event('autre')), REPORT: multistatus() });
    await expect(open().create(request, call)).rejects.toMatchObject({ kind });
  });

  it('leaves the outcome open when the answer or the reading back is lost', async () => {
    for (const answers of [
      { PUT: 'reset' },
      { PUT: { status: 201 }, GET: 'reset' },
      { PUT: { status: 201 }, GET: { status: 500 } },
      { PUT: { status: 201 }, GET: { status: 404 }, REPORT: multistatus() },
      { PUT: { status: 200, body: '<html>' }, GET: { status: 200, body: '<html>' } },
    ]) {
      byMethod(answers as Record<string, Answer | 'reset'>);
      await expect(open().create(request, call)).rejects.toMatchObject({ kind: 'unknown' });
    }
  });

  it('follows a server that stores under another address', async () => {
    byMethod({ PUT: { status: 201 }, GET: { status: 404 }, REPORT: multistatus(withData('uid', OURS)) });
    expect(await open().create(request, call)).toMatchObject({ remoteId: `${CALENDAR}uid.ics` });
  });

  it('sends nothing for an event without a length, or after an abort', async () => {
    const seen = byMethod({});
    await expect(
      open().create({ ...request, content: { ...request.content, end: START } }, call),
    ).rejects.toMatchObject({ kind: 'invalid' });
    await expect(open().create(request, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      kind: 'unavailable',
    });
    expect(seen).toEqual([]);
  });

  it('gives no secret and no patient away', async () => {
    byMethod({ PUT: { status: 400, body: 'Consultation' }, REPORT: multistatus() });
    const error: unknown = await open()
      .create(request, call)
      .catch((failure: unknown) => failure);
    expect(JSON.stringify(error) + String(error)).not.toMatch(/secret|Consultation|rdv-1/);
  });
});

describe('update', () => {
  const later = {
    ...request,
    remoteId: PATH,
    version: '"1"',
    content: { ...request.content, start: START + 3_600_000, end: START + 5_400_000 },
  };
  const moved = OURS.replace('T100000Z', 'T110000Z').replace('T103000Z', 'T113000Z');

  it('edits what stands, under its version', async () => {
    let body = OURS.replace('END:VEVENT', 'X-AUTRE:été\r\nEND:VEVENT');
    const seen = scriptServer((asked) => {
      if (asked.method === 'PUT') body = asked.body;
      return asked.method === 'PUT' ? { status: 204 } : stored(body, body.includes('SEQUENCE:1') ? '"2"' : '"1"');
    });
    expect(await open().update(later, call)).toMatchObject({ version: '"2"', when: { start: START + 3_600_000 } });
    expect(methods(seen)).toEqual(['GET', 'PUT', 'GET']);
    expect(seen[1]?.headers['if-match']).toBe('"1"');
    expect(body).toContain('X-AUTRE:été');
  });

  it('writes nothing when the event already says so', async () => {
    const seen = byMethod({ GET: stored(moved) });
    expect(await open().update(later, call)).toMatchObject({ version: '"1"' });
    expect(methods(seen)).toEqual(['GET']);
  });

  it.each<[string, Record<string, Answer | 'reset'>, string]>([
    ['another version', { GET: stored(OURS, '"2"') }, 'stale'],
    ['a version that changes meanwhile', { GET: stored(), PUT: { status: 412 } }, 'stale'],
    ['an event that is gone', { GET: { status: 410 } }, 'not_found'],
    ['an event that goes meanwhile', { GET: stored(), PUT: { status: 404 } }, 'not_found'],
    [
      'an event that became a series',
      { GET: stored(OURS.replace('SUMMARY', 'RRULE:FREQ=DAILY\r\nSUMMARY')) },
      'invalid',
    ],
    ['an event that cannot be read', { GET: stored('BEGIN:VCALENDAR\r\n') }, 'invalid'],
    ['a failing read before', { GET: { status: 500 } }, 'unavailable'],
    ['a failing write', { GET: stored(), PUT: { status: 500 } }, 'unknown'],
    ['a lost write', { GET: stored(), PUT: 'reset' }, 'unknown'],
  ])('fails for %s', async (_what, answers, kind) => {
    byMethod(answers);
    await expect(open().update(later, call)).rejects.toMatchObject({ kind });
  });

  it('sends a version that a proxy has weakened as the strong one it was', async () => {
    const seen = byMethod({ GET: stored(OURS, 'W/"1"'), PUT: { status: 412 } });
    await expect(open().update(later, call)).rejects.toMatchObject({ kind: 'stale' });
    expect(seen[1]?.headers['if-match']).toBe('"1"');
  });
});

describe('cancel', () => {
  const known = { ...request, remoteId: PATH, version: '"1"' };

  it('looks first, then deletes that version', async () => {
    const seen = byMethod({ GET: stored(), DELETE: { status: 204 } });
    await open().cancel(known, call);
    expect(methods(seen)).toEqual(['GET', 'DELETE']);
    expect(seen[1]?.headers['if-match']).toBe('"1"');
  });

  it.each<[string, Record<string, Answer>]>([
    ['before', { GET: { status: 404 } }],
    ['meanwhile', { GET: stored(), DELETE: { status: 404 } }],
    ['for long', { GET: { status: 410 } }],
  ])('succeeds for what is gone %s', async (_what, answers) => {
    byMethod(answers);
    await expect(open().cancel(known, call)).resolves.toBeUndefined();
  });

  it('takes 412 for gone when it is', async () => {
    let gone = false;
    scriptServer(({ method }) => {
      if (method === 'DELETE') gone = true;
      return method === 'DELETE' ? { status: 412 } : gone ? { status: 404 } : stored();
    });
    await expect(open().cancel(known, call)).resolves.toBeUndefined();
  });

  it('spares another version, also on a server that would not', async () => {
    const seen = byMethod({ GET: stored(OURS, '"2"'), DELETE: { status: 204 } });
    await expect(open().cancel(known, call)).rejects.toMatchObject({ kind: 'stale' });
    expect(methods(seen)).toEqual(['GET']);
  });

  it('removes whatever stands when no version is asked for, by its reference if need be', async () => {
    const seen = byMethod({
      GET: { status: 404 },
      REPORT: multistatus(withData('autre', OURS)),
      DELETE: { status: 200 },
    });
    await open().cancel({ ...known, version: null }, call);
    expect(methods(seen.splice(0))).toEqual(['DELETE']);
    await open().cancel({ ...known, remoteId: null, version: null }, call);
    expect(seen.at(-1)).toMatchObject({ method: 'DELETE', target: `${CALENDAR}autre.ics` });
  });

  it.each<[number, string]>([
    [403, 'forbidden'],
    [500, 'unknown'],
  ])('fails with %d as %s', async (status, kind) => {
    byMethod({ GET: stored(), DELETE: { status } });
    await expect(open().cancel(known, call)).rejects.toMatchObject({ kind });
  });
});

describe('find', () => {
  it('is sure of none only after asking for the UID', async () => {
    const seen = byMethod({ GET: { status: 404 }, REPORT: multistatus() });
    expect(await open().find(request, call)).toBeNull();
    expect(methods(seen)).toEqual(['GET', 'REPORT']);
    expect(seen[1]?.body).toContain('rdv-1@unisson');
  });

  it('believes no answer about other events', async () => {
    byMethod({
      GET: { status: 404 },
      REPORT: multistatus(withData('a', event('autre')), found(`${CALENDAR}b.ics`, '<d:getetag>"1"</d:getetag>')),
    });
    expect(await open().find(request, call)).toBeNull();
  });

  it('reads an event that was made all-day or cancelled', async () => {
    byMethod({
      GET: stored(
        OURS.replace('DTSTART:20270607T100000Z', 'DTSTART;VALUE=DATE:20270607').replace(
          'DTEND:20270607T103000Z',
          'STATUS:CANCELLED',
        ),
      ),
    });
    expect(await open().find(request, call)).toMatchObject({
      busy: [],
      when: { start: Date.parse('2027-06-07T00:00:00Z') },
    });
  });

  it.each<[string, Record<string, Answer | 'reset'>, string]>([
    ['a web page', { GET: { status: 200, body: '<html></html>' } }, 'unavailable'],
    ['a failing read', { GET: { status: 500 } }, 'unavailable'],
    ['a refused query', { GET: { status: 404 }, REPORT: { status: 501 } }, 'unavailable'],
    ['a calendar that is gone', { GET: { status: 404 }, REPORT: { status: 404 } }, 'not_found'],
    ['wrong credentials', { GET: { status: 401 } }, 'auth'],
    ['a reset', { GET: 'reset' }, 'unavailable'],
  ])('never takes %s for none', async (_what, answers, kind) => {
    byMethod(answers);
    await expect(open().find(request, call)).rejects.toMatchObject({ kind });
  });
});
