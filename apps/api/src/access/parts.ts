import { Access, Exports, Grants, type Effects, type People } from '#application';
import { PgAccess, PgExports, PgGrants, PgPeople, type Database } from '#persistence';

/** Who may do what, and how that is administered. */
export interface AccessParts {
  readonly access: Access;
  readonly grants: Grants;
  readonly exports: Exports;
  readonly people: People;
}

export function buildAccess(database: Database, effects: Pick<Effects, 'now'>): AccessParts {
  const access = new Access(new PgAccess(database), effects);
  return {
    access,
    people: new PgPeople(database),
    exports: new Exports(new PgExports(database)),
    grants: new Grants({ store: new PgGrants(database), access, effects }),
  };
}
