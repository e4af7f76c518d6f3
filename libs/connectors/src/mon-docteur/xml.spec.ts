import { describe, expect, it } from '@jest/globals';
import { fieldsOf, parseXml, requestOf } from './xml.js';

describe('answers', () => {
  it('are read with their attributes, texts and marked sections', () => {
    const root = parseXml('\uFEFF<?xml version="1.0"?><a n="1&#50;"><b>x &lt; y</b><b>z</b><c><![CDATA[<&>]]></c></a>');
    expect(root).toMatchObject({ name: 'a', attributes: { n: '12' } });
    expect(root === null ? null : fieldsOf(root)).toEqual({ b: 'x < y', c: '<&>' });
  });

  it.each([
    ['an external entity', '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>'],
    ['an external document type', '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>'],
    ['entities that multiply', '<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>'],
    ['a document type without any', '<!DOCTYPE a><a/>'],
    ['an entity that nobody defined', '<a>&nbsp;</a>'],
    ['an end before its time', '<a><b></b>'],
    ['a page of a web site', '<html><p>Maintenance<br></html>'],
    ['nothing', ''],
    ['more depth than any answer has', '<a>'.repeat(40) + '</a>'.repeat(40)],
  ])('with %s are no answers', (_what, document) => {
    expect(parseXml(document)).toBeNull();
  });
});

it('a request is read back as it was meant, whatever its texts hold', () => {
  const awkward = 'É "a" <b> & \'c\'\n\t]]> 🩺';
  const root = parseXml(requestOf({ Libelle: awkward, Note: 'x\u0000\u0007y' }));
  expect(root === null ? null : fieldsOf(root)).toEqual({ Libelle: awkward, Note: 'xy' });
});
