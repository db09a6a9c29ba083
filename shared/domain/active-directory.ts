/**
 * What Active Directory says of the classes that are synchronized: user, inetOrgPerson, group and contact.
 *
 * Used where a schema brings no directory definitions of its own. A forest's schema can be extended, so an attribute
 * that is not here is unknown, not wrong.
 */

import {
  MADE_OF_ACCOUNTS,
  MADE_OF_GROUPS,
  MAIL_GROUPS,
  MAIL_PEOPLE,
  MAILBOXES,
  RECIPIENTS,
} from "./active-directory/extensions.ts";
import { CONTACTS, EVERYONE, GROUPS, PEOPLE, PRINCIPALS, USERS } from "./active-directory/schema.ts";
import { type AttributeTable, attributesOf } from "./active-directory/table.ts";
import { type AttributeDefinition, type ObjectDefinition, objectDefinition } from "./object-definition.ts";

const ACCOUNT_TABLES = [EVERYONE, PEOPLE, PRINCIPALS, USERS, RECIPIENTS, MAIL_PEOPLE, MAILBOXES, MADE_OF_ACCOUNTS];

const TABLES: Readonly<Record<string, readonly AttributeTable[]>> = {
  user: ACCOUNT_TABLES,
  inetOrgPerson: ACCOUNT_TABLES,
  group: [EVERYONE, PRINCIPALS, GROUPS, RECIPIENTS, MAIL_GROUPS, MADE_OF_GROUPS],
  contact: [EVERYONE, PEOPLE, CONTACTS, RECIPIENTS, MAIL_PEOPLE],
};

/** How documentation and exported schemas write some names; the directory doesn't mind. */
const OTHER_SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  "mS-DS-ConsistencyGuid": ["ms-DS-ConsistencyGuid"],
  "msRTCSIP-DeploymentLocator": ["mSRTCSIP-DeploymentLocator"],
};

function withOtherSpellings(attribute: AttributeDefinition): AttributeDefinition {
  const otherSpellings = OTHER_SPELLINGS[attribute.name];
  return otherSpellings ? { ...attribute, otherSpellings } : attribute;
}

/** By the class's name in lower case. */
export const ACTIVE_DIRECTORY: ReadonlyMap<string, ObjectDefinition> = new Map(
  Object.entries(TABLES).map(([name, tables]) => [
    name.toLowerCase(),
    objectDefinition(name, tables.flatMap(attributesOf).map(withOtherSpellings)),
  ]),
);
