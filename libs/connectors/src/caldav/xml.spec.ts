import { describe, expect, it, jest } from '@jest/globals';
import { threads } from '#connector-sdk';
import { readMultistatus } from './answers.js';
import { readConditions } from './multistatus.js';
import { parseXml, XmlError } from './xml.js';

const limits = { characters: 10_000, elements: 50, depth: 8, attributes: 4 };
const parse = (text: string): unknown[] => [...parseXml(text, limits)];
const options = { signal: AbortSignal.timeout(60_000) };

describe('XML of servers', () => {
  it.each([
    ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ['an external document type', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'],
    ['an undefined entity', '<a>&b;</a>'],
    ['a document that is cut off', '<a><b>'],
    ['nothing', ''],
    ['text', 'Bonjour'],
    ['HTML', '<html><br></html>'],
    ['too many elements', `<a>${'<b/>'.repeat(60)}</a>`],
    ['too much depth', `${'<a>'.repeat(9)}${'</a>'.repeat(9)}`],
    ['too many attributes', '<a b="1" c="1" d="1" e="1" f="1"/>'],
    ['too much text', `<a>${'x'.repeat(10_000)}</a>`],
    ['an unknown prefix', '<x:a/>'],
  ])('refuses %s', (_what, text) => {
    expect(() => parse(text)).toThrow(XmlError);
  });

  it('reads any prefix, CDATA, several chunks, and the first of two answers about a property', async () => {
    const filler = `<!--${'x'.repeat(200_000)}-->`;
    const body = `<?xml version="1.0"?><m:multistatus xmlns:m="DAV:" xmlns:z="urn:ietf:params:xml:ns:caldav"><m:response><m:href> /a%20b.ics </m:href>
      <m:propstat><m:status>HTTP/1.1 200 OK</m:status><m:prop><m:getetag>"1"</m:getetag><z:calendar-data><![CDATA[<&>]]>&lt;é</z:calendar-data></m:prop></m:propstat>
      <m:propstat><m:prop><m:getetag/></m:prop><m:status>HTTP/1.1 404 Not Found</m:status></m:propstat></m:response>${filler}
      <m:response><m:href>/c.ics</m:href><m:status>HTTP/1.1 404 Not Found</m:status></m:response><m:sync-token>t</m:sync-token></m:multistatus>`;
    const { responses, syncToken } = await readMultistatus(Buffer.from(body), options);
    expect(syncToken).toBe('t');
    expect(responses.map(({ href, status }) => [href, status])).toEqual([
      ['/a%20b.ics', null],
      ['/c.ics', 404],
    ]);
    expect(responses[0]?.properties.get('{DAV:}getetag')?.text).toBe('"1"');
    expect(responses[0]?.properties.get('{urn:ietf:params:xml:ns:caldav}calendar-data')?.text).toBe('<&><é');
  });

  it('tells preconditions from other documents', () => {
    const body = '<e:error xmlns:e="DAV:"><e:valid-sync-token/></e:error>';
    expect(readConditions(body)).toEqual(['{DAV:}valid-sync-token']);
    expect(readConditions('<html><b/></html>')).toEqual([]);
    expect(readConditions('<p>')).toEqual([]);
  });

  it('reads what is large in a thread, a few thousand elements at a time', async () => {
    const body = `<multistatus xmlns="DAV:">${'<response><href>/a</href></response>'.repeat(60_000)}</multistatus>`;
    const run = jest.spyOn(threads, 'run');
    const { responses } = await readMultistatus(Buffer.from(body), options);
    expect(responses).toHaveLength(60_000);
    expect(run).toHaveBeenCalledTimes(1);
    run.mockRestore();
  });
});
