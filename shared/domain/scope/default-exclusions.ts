/**
 * Who is never synchronised by default: critical and system accounts, what Microsoft's own programs made for
 * themselves, special mailboxes, replication conflicts. In Graph's filter shape, under the name that Microsoft's
 * template uses; an OU or group scope is appended to this group as further clauses.
 *
 * A group with this kind of name excludes: an attribute that an object doesn't have can't exclude it (see scope.ts).
 */

import type { ScopeFilterClause, ScopeFilterGroup } from "../synchronization-schema.ts";

function clause(sourceOperandName: string, operatorName: string, ...values: string[]): ScopeFilterClause {
  return { sourceOperandName, operatorName, targetOperand: { values } };
}

/** Public folders, system, database, group and discovery mailboxes, mailbox plans: 0x21C07000. */
const SYSTEM_RECIPIENT_TYPES = "566259712";

/** A conflict's name holds a line feed, which a DN shows as \0A; the name before it may hold escaped commas. */
const NO_CONFLICT = clause(
  "distinguishedName",
  "NOT REGEX MATCH",
  "^CN\\s*=\\s*(?:\\\\.|[^\\\\,])*?(?:\\\\0A|\\n)CNF:",
);

/** `groupType` is signed, and bit 31 says that a group is there for security: 0x80000000. */
const SECURITY_GROUP = "2147483648";
const BUILT_IN_GROUP = "1";

export const DEFAULT_USER_EXCLUSIONS: ScopeFilterGroup = {
  name: "DefaultUserExclusions",
  clauses: [
    clause("isCriticalSystemObject", "IS FALSE"),
    clause("adminDescription", "NOT REGEX MATCH", "^User_"),
    clause("sAMAccountName", "IS NOT NULL"),
    clause("sAMAccountName", "NOT EQUALS", "SUPPORT_388945a0"),
    clause("mailNickname", "NOT REGEX MATCH", "^SystemMailbox{"),
    clause("sAMAccountName", "NOT REGEX MATCH", "^AAD_"),
    clause("sAMAccountName", "NOT REGEX MATCH", "^MSOL_"),
    clause("mailNickname", "NOT REGEX MATCH", "^CAS_([^{]*){"),
    clause("sAMAccountName", "NOT REGEX MATCH", "^CAS_([^{]*){"),
    clause("msExchRecipientTypeDetails", "!&", SYSTEM_RECIPIENT_TYPES),
    NO_CONFLICT,
  ],
};

export const DEFAULT_GROUP_EXCLUSIONS: ScopeFilterGroup = {
  name: "DefaultGroupExclusions",
  clauses: [
    clause("groupType", "&", SECURITY_GROUP),
    clause("groupType", "!&", BUILT_IN_GROUP),
    clause("isCriticalSystemObject", "IS FALSE"),
    clause("adminDescription", "NOT REGEX MATCH", "^Group_"),
    NO_CONFLICT,
  ],
};
