/**
 * Extends a directory's schema with the attributes that Exchange brings to a real Active Directory and that the default
 * user mapping reads: mail nickname, usage location, recipient type, extension attributes 1–15.
 *
 * Object identifiers are from the range for documentation (RFC 5612); the names are the real ones.
 */

import type { Client } from "ldapts";
import { changeOf } from "./ldap.ts";

const documentationOid = "1.3.6.1.4.1.32473.1";
const unicodeString = { attributeSyntax: "2.5.5.12", oMSyntax: "64" };
const largeInteger = { attributeSyntax: "2.5.5.16", oMSyntax: "65" };

export async function extendWithExchangeSchema(admin: Client, baseDn: string): Promise<void> {
  const schemaDn = `CN=Schema,CN=Configuration,${baseDn}`;
  const attributes = [
    { name: "mailNickname", syntax: unicodeString },
    { name: "msExchUsageLocation", syntax: unicodeString },
    { name: "msExchRecipientTypeDetails", syntax: largeInteger },
    ...Array.from({ length: 15 }, (_, index) => ({ name: `extensionAttribute${index + 1}`, syntax: unicodeString })),
  ];
  // The directory reads its schema again when asked on the root object, whose name is empty.
  const readSchemaAgain = (): Promise<void> => admin.modify("", [changeOf("add", "schemaUpdateNow", ["1"])]);
  for (const [index, { name, syntax }] of attributes.entries()) {
    await admin.add(`CN=${name},${schemaDn}`, {
      objectClass: ["attributeSchema"],
      lDAPDisplayName: name,
      attributeID: `${documentationOid}.${index + 1}`,
      isSingleValued: "TRUE",
      ...syntax,
    });
  }
  await readSchemaAgain();
  const names = attributes.map(({ name }) => name);
  await admin.modify(`CN=User,${schemaDn}`, [changeOf("add", "mayContain", names)]);
  await readSchemaAgain();
}
