/** What every step of one read shares. */
import type { Log } from "../../../shared/ports/log.ts";
import type { ReadShape } from "./changes.ts";
import type { LdapConnection } from "./connection.ts";
import type { LdapScope } from "./ldap-scope.ts";

export interface ReadDeps {
  readonly connection: LdapConnection;
  readonly log: Log;
  readonly root: string;
  /** By class, of everything that the read asks for. */
  readonly filter: string;
  readonly shape: ReadShape;
  readonly scope: LdapScope;
  /** Shows to DirSync what it shows to a search, and gives an object in one entry. */
  readonly isSamba: boolean;
}
