import type { Server } from 'node:http';
import type { Socket } from 'node:net';

const opened = new WeakMap<Server, Set<Socket>>();

/** Remembers the connections of a server, for its end. */
export function watchConnections(server: Server): void {
  const sockets = new Set<Socket>();
  opened.set(server, sockets);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
}

/**
 * Closes what waits for a next request, and what has not asked for anything yet: clients open connections in advance,
 * and Node counts those as busy.
 */
export function closeUnusedConnections(server: Server): void {
  server.closeIdleConnections();
  for (const socket of opened.get(server) ?? []) if (socket.bytesRead === 0) socket.destroy();
}
