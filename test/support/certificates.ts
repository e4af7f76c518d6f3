import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** A certificate and the private key of it, both in PEM. */
export interface Certified {
  readonly certificate: string;
  readonly privateKey: string;
}

interface Subject {
  readonly commonName: string;
  readonly unit?: string;
}

interface Validity {
  /** Epoch milliseconds; both within this century's first half. */
  readonly from: number;
  readonly until: number;
}

const YEAR_MS = 366 * 86_400_000;

const oid = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, 'hex'));
const ECDSA_SHA256 = (): Buffer => tlv(0x30, oid('2a8648ce3d040302'));
const COMMON_NAME = '550403';
const UNIT = '55040b';
const BASIC_CONSTRAINTS = '551d13';
const SUBJECT_ALT_NAME = '551d11';
const TRUE = Buffer.from([0x01, 0x01, 0xff]);

/** One element of DER (X.690 8.1): tag, length, content. */
function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.length;
  if (size < 0x80) return Buffer.concat([Buffer.from([tag, size]), content]);
  const length = size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function nameOf({ commonName, unit }: Subject): Buffer {
  const part = (type: string, value: string): Buffer =>
    tlv(0x31, tlv(0x30, oid(type), tlv(0x0c, Buffer.from(value, 'utf8'))));
  return tlv(0x30, ...(unit === undefined ? [] : [part(UNIT, unit)]), part(COMMON_NAME, commonName));
}

function timeOf(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return tlv(0x17, Buffer.from(text.slice(2), 'ascii'));
}

function extension(type: string, critical: boolean, value: Buffer): Buffer {
  return tlv(0x30, oid(type), ...(critical ? [TRUE] : []), tlv(0x04, value));
}

/**
 * An authority made for one test (X.509 version 3, RFC 5280, P-256): signs certificates of clients, and of servers on
 * 127.0.0.1. Nothing of it outlives the process.
 */
export class Authority {
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #name: Buffer;
  /** Its own certificate, in PEM. */
  readonly certificate: string;

  constructor(commonName: string) {
    this.#name = nameOf({ commonName });
    this.certificate = this.#signed({ commonName }, this.#keys.publicKey, { authority: true });
  }

  issue(subject: Subject, validity?: Validity): Certified {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const certificate = this.#signed(subject, publicKey, { authority: false, validity });
    return { certificate, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }

  #signed(
    subject: Subject,
    key: KeyObject,
    { authority, validity }: { readonly authority: boolean; readonly validity?: Validity | undefined },
  ): string {
    const { from, until } = validity ?? { from: Date.now() - 86_400_000, until: Date.now() + YEAR_MS };
    const spki = key.export({ type: 'spki', format: 'der' });
    const serial = createHash('sha256').update(spki).digest().subarray(0, 8);
    serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
    const loopback = tlv(0x30, tlv(0x87, Buffer.from([127, 0, 0, 1])));
    const extensions = [
      extension(BASIC_CONSTRAINTS, true, tlv(0x30, ...(authority ? [TRUE] : []))),
      ...(authority ? [] : [extension(SUBJECT_ALT_NAME, false, loopback)]),
    ];
    const version = tlv(0xa0, tlv(0x02, Buffer.from([2])));
    const body = tlv(
      0x30,
      ...[version, tlv(0x02, serial), ECDSA_SHA256(), this.#name],
      ...[tlv(0x30, timeOf(from), timeOf(until)), nameOf(subject), spki],
      tlv(0xa3, tlv(0x30, ...extensions)),
    );
    const signature = sign('sha256', body, this.#keys.privateKey);
    const der = tlv(0x30, body, ECDSA_SHA256(), tlv(0x03, Buffer.from([0]), signature));
    const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
    return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
  }
}
