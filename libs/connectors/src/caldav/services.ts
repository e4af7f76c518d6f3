import type { SrvRecord } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';

/** What is asked of the DNS. Both throw when there is nothing. */
export interface ServiceNames {
  resolveSrv(name: string): Promise<readonly SrvRecord[]>;
  resolveTxt(name: string): Promise<readonly (readonly string[])[]>;
}

const SERVICE = '_caldavs._tcp';
const LABEL = /^(?!-)[a-z0-9-]{1,63}$/;
const PATH = /^path=(\/[\w!$&'()*+,;=:@%./~-]{0,200})$/;

/** One try of two seconds: the DNS only helps where nothing else does. */
const names = (): ServiceNames => new Resolver({ timeout: 2000, tries: 1 });

/**
 * Where a domain says that its calendars are (RFC 6764 3, 4): by SRV the host and port, by TXT the path. Only of the
 * protected service; `null` when it says nothing, or that there is none.
 */
export async function announcedAddress(hostname: string, dns: ServiceNames = names()): Promise<URL | null> {
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 || !hostname.includes('.')) return null;
  const name = `${SERVICE}.${hostname}`;
  const [services, texts] = await Promise.all([
    dns.resolveSrv(name).catch((): SrvRecord[] => []),
    dns.resolveTxt(name).catch((): string[][] => []),
  ]);
  const [first] = [...services].sort((a, b) => a.priority - b.priority || b.weight - a.weight);
  const target = first?.name.toLowerCase().replace(/\.$/, '') ?? '';
  if (first === undefined || !isHost(target) || first.port < 1 || first.port > 65_535) return null;
  const path = texts.flatMap((parts) => PATH.exec(parts.join(''))?.[1] ?? [])[0];
  return new URL(`https://${target}:${String(first.port)}${path ?? '/.well-known/caldav'}`);
}

function isHost(name: string): boolean {
  const labels = name.split('.');
  return labels.length > 1 && labels.every((label) => LABEL.test(label));
}
