import type { SealedPlace } from '#application';

/** The secrets of a connection, and what its sessions share. */
export function connectionSecrets(id: string): SealedPlace {
  return { column: 'connection.secrets_sealed', row: id };
}

/** An unreadable object. */
export function quarantined(linkId: string, remoteId: string): SealedPlace {
  const column = 'quarantine.raw_sealed';
  return { column, row: `${linkId}|${remoteId}`, formerly: column };
}

/** The secret of a subscription to pushes. */
export function pushSecret(linkId: string, id: string): SealedPlace {
  return { column: 'push_secret.sealed', row: `${linkId}|${id}`, formerly: `link.push_secret_sealed|${linkId}` };
}

/** What proves that a consent was asked for here. */
export function consentVerifier(connectionId: string): SealedPlace {
  return { column: 'consent.verifier_sealed', row: connectionId };
}

/** With what the hub shows itself at an identity provider. */
export function providerSecret(id: string): SealedPlace {
  return { column: 'identity_provider.client_secret_sealed', row: id };
}

/** What signs a session out at its provider. */
export function sessionIdToken(id: string): SealedPlace {
  return { column: 'session.id_token_sealed', row: id };
}
