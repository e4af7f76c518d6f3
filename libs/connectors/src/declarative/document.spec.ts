import { describe, expect, it } from '@jest/globals';
import connector from './connector.js';
import { smallDocument, type Loose } from './scripted.suite.js';

/** Paths of the faults of the small document after a change. */
function faults(change: (document: Loose) => void, baseUrl = 'https://agenda.example/api'): string[] {
  const document = smallDocument();
  change(document);
  const read = connector.config.settings.safeParse({ baseUrl, document });
  return read.success ? [] : read.error.issues.map(({ path }) => path.slice(1).join('.'));
}

describe('a document', () => {
  it('that is whole is taken', () => {
    expect(faults(() => undefined)).toEqual([]);
  });

  it.each<[string, (document: Loose) => void, string]>([
    ['another address', (d) => (d['reading'].list.path = 'https://evil.example/'), 'reading.list.path'],
    ['an address without scheme', (d) => (d['reading'].list.path = '//evil.example/x'), 'reading.list.path'],
    ['a way upwards', (d) => (d['reading'].get.path = '/a/../{id}'), 'reading.get.path'],
    ['an escaped way upwards', (d) => (d['reading'].get.path = '/%2e%2e/{id}'), 'reading.get.path'],
    ['a query in a path', (d) => (d['reading'].get.path = '/x?id={id}'), 'reading.get.path'],
    ['a fragment', (d) => (d['writing'].cancel.path = '/x#{id}'), 'writing.cancel.path'],
    ['a backslash', (d) => (d['writing'].cancel.path = '/\\{id}'), 'writing.cancel.path'],
    ['a secret in a template', (d) => (d['reading'].list.query.k = '{token}'), 'reading.list.query.k'],
    ['an expression', (d) => (d['reading'].list.query.k = '{from + 1}'), 'reading.list.query.k'],
    ['a value of another place', (d) => (d['reading'].list.query.k = '{title}'), 'reading.list.query.k'],
    ['a header of the line', (d) => (d['headers'] = { 'Transfer-Encoding': 'chunked' }), 'headers.Transfer-Encoding'],
    ['a header for a password', (d) => (d['headers'] = { Authorization: 'x' }), 'headers.Authorization'],
    ['a header of two lines', (d) => (d['headers'] = { 'x-a': 'b\r\nx-c: d' }), 'headers.x-a'],
    [
      'the key in a header of the line',
      (d) => (d['authentication'] = { kind: 'header', name: 'Host' }),
      'authentication.name',
    ],
    ['a path out of the data', (d) => (d['entry'].title = 'a.__proto__.b'), 'entry.title'],
    ['a path that is a program', (d) => (d['entry'].title = '$.rows[?(@.x)]'), 'entry.title'],
    [
      'a body out of the data',
      (d) => (d['writing'].create.body = { 'constructor.x': 1 }),
      'writing.create.body.constructor.x',
    ],
    [
      'a body of two placeholders',
      (d) => (d['writing'].create.body.text = '{title}{start}'),
      'writing.create.body.text',
    ],
    [
      'an unknown zone',
      (d) => (d['times'] = { format: 'local', pattern: 'YYYY-MM-DDTHH:mm', zone: '+02:00' }),
      'times.zone',
    ],
    [
      'an unknown pattern',
      (d) => (d['times'] = { format: 'local', pattern: 'YY', zone: 'Europe/Paris' }),
      'times.pattern',
    ],
    ['an unknown word', (d) => (d['reading'].eval = 'x'), 'reading'],
    ['an unknown format', (d) => (d['format'] = 'rest-agenda-9'), 'format'],
    ['no end', (d) => delete d['entry'].end, 'entry.end'],
    ['a status without values', (d) => (d['entry'].status = { path: 's' }), 'entry.status'],
    ['no way to read back', (d) => delete d['reading'].get, 'reading.get'],
    ['no reference', (d) => delete d['entry'].reference, 'entry.reference'],
    ['a create without reference', (d) => delete d['writing'].create.body.ref, 'writing.create'],
    ['a create without a time', (d) => delete d['writing'].create.body.from, 'writing.create.body'],
    ['an update of nobody', (d) => (d['writing'].update.path = '/entries'), 'writing.update'],
    ['nothing that says gone', (d) => (d['errors'] = []), 'errors'],
    ['gone by a bare status', (d) => d['errors'].push({ status: [404], means: 'not_found' }), 'errors.1'],
    ['every success an error', (d) => d['errors'].push({ status: [200], means: 'taken' }), 'errors.1'],
    ['a rule for everything', (d) => d['errors'].push({ means: 'taken' }), 'errors.1'],
    [
      'values of no field',
      (d) => d['errors'].push({ status: [409], equals: ['x'], means: 'taken' }),
      'errors.1.equals',
    ],
    ['a cursor without changes', (d) => (d['reading'].list.cursor = 'seq'), 'reading.list.cursor'],
    [
      'parts without a range',
      (d) => (d['reading'].list = { ...d['reading'].list, query: {}, maxDays: 7 }),
      'reading.list.maxDays',
    ],
    ['two agendas in one listing', (d) => d['agendas'].agendas.push({ id: 'b', name: 'B' }), 'reading.list'],
  ])('with %s is refused where that stands', (_, change, path) => {
    expect(faults(change)).toEqual([path]);
  });

  it('with many faults is told all of them', () => {
    const all = faults((d) => {
      d['reading'].list.path = '//x';
      d['entry'].id = '';
      d['writing'].cancel.method = 'TRACE';
    });
    expect(all.sort()).toEqual(['entry.id', 'reading.list.path', 'writing.cancel.method']);
  });

  it.each([
    'https://u:p@agenda.example/',
    'https://agenda.example/?a=b',
    'https://agenda.example/#x',
    'ftp://agenda.example/',
  ])('does not go with the base address %s', (baseUrl) => {
    const read = connector.config.settings.safeParse({ baseUrl, document: smallDocument() });
    expect(read.error?.issues.map(({ path }) => path.join('.'))).toEqual(['baseUrl']);
  });

  it('tells what its agenda can do', () => {
    const capabilities = (change: (document: Loose) => void): unknown => {
      const document = smallDocument();
      change(document);
      return connector.capabilitiesOf?.(connector.config.settings.parse({ baseUrl: 'https://a.example', document }));
    };
    expect(capabilities(() => undefined)).toMatchObject({
      ...{ read: 'snapshot', write: 'full', idempotency: 'none', refusesOverlap: false, timeModel: 'instant' },
      ...{ settleMs: 120_000, conditionalWrites: false },
    });
    const conditional = { path: '/entries/{id}', headers: { 'if-match': '{version}' } };
    expect(capabilities((d) => (d['writing'].cancel = conditional))).toMatchObject({ conditionalWrites: true });
    expect(capabilities((d) => delete d['writing'])).toMatchObject({ write: 'none' });
    const local = { format: 'local', pattern: 'DD/MM/YYYY HH:mm', zone: 'Europe/Paris' };
    expect(capabilities((d) => (d['times'] = local))).toMatchObject({ timeModel: 'naive' });
  });
});
