import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Refusal } from '../core/refusal.js';
import type { Inbox } from './inbox.js';
import type { Shelf } from './shelf.js';
import type { DeskStore } from './store.js';

interface Named {
  readonly Params: { readonly name: string };
}

interface Parts {
  readonly store: DeskStore;
  readonly shelf: Shelf;
  readonly inbox: Inbox;
}

/** The shared folder, as a web server publishes it: files are fetched, put and removed, and nothing is listed. */
export function registerFolder(scope: FastifyInstance, { store, shelf, inbox }: Parts): void {
  scope.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof Refusal)) return reply.code(400).send();
    return reply.code(error.status).send();
  });
  scope.setNotFoundHandler((_request, reply) => reply.code(404).send());
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  scope.addHook('preHandler', (request, reply, done) => {
    const { account } = store;
    const pair = account === null ? '' : `${account.identifiant}:${account.motDePasse}`;
    const allowed =
      account !== null && request.headers.authorization === `Basic ${Buffer.from(pair).toString('base64')}`;
    if (!allowed) void reply.header('www-authenticate', 'Basic realm="dossier"');
    done(allowed ? undefined : new Refusal(401, 'compte_inconnu'));
  });

  scope.get<Named>('/exports/:name', (request, reply) => sendBytes(reply, shelf.file(request.params.name)));
  scope.put<Named & { Body: Buffer }>('/signatures/:name', (request, reply) => {
    inbox.sign(request.params.name, request.body.toString('latin1').trim());
    return reply.code(201).send();
  });
  scope.put<Named & { Body: Buffer }>('/depot/:name', (request, reply) => {
    inbox.drop(request.params.name, request.body);
    return reply.code(201).send();
  });
  scope.get<Named>('/depot/:name', (request, reply) => {
    if (!inbox.lies(request.params.name)) throw new Refusal(404, 'fichier_inconnu');
    return sendBytes(reply, Buffer.from('en attente', 'latin1'));
  });
  scope.get<Named>('/retour/:name', (request, reply) => sendBytes(reply, inbox.answer(request.params.name)));
  scope.delete<Named>('/retour/:name', (request, reply) => {
    inbox.forget(request.params.name);
    return reply.code(204).send();
  });
}

function sendBytes(reply: FastifyReply, bytes: Buffer | undefined): FastifyReply {
  if (bytes === undefined) throw new Refusal(404, 'fichier_inconnu');
  return reply
    .type('application/octet-stream')
    .header('etag', `"${createHash('sha256').update(bytes).digest('hex').slice(0, 24)}"`)
    .send(bytes);
}
