/**
 * Extends a directory's schema with the attributes that Exchange brings to a real Active Directory and that the default
 * mappings read: mail nickname, usage location, recipient type, extension attributes 1–15.
 *
 * Object identifiers are from the range for documentation (RFC 5612); the names are the real ones.
 */
import type { LoadStep } from "./load-offline.ts";

const documentationOid = "1.3.6.1.4.1.32473.1";
const unicodeString = { attributeSyntax: "2.5.5.12", oMSyntax: "64" };
const largeInteger = { attributeSyntax: "2.5.5.16", oMSyntax: "65" };

export function exchangeSchema(baseDn: string): LoadStep[] {
  const schemaDn = `CN=Schema,CN=Configuration,${baseDn}`;
  const attributes = [
    { name: "mailNickname", syntax: unicodeString },
    { name: "msExchUsageLocation", syntax: unicodeString },
    { name: "msExchRecipientTypeDetails", syntax: largeInteger },
    ...Array.from({ length: 15 }, (_, index) => ({ name: `extensionAttribute${index + 1}`, syntax: unicodeString })),
  ];
  const added = attributes.map(
    ({ name, syntax }, index): LoadStep => ({
      add: `CN=${name},${schemaDn}`,
      attributes: {
        objectClass: "attributeSchema",
        lDAPDisplayName: name,
        attributeID: `${documentationOid}.${index + 1}`,
        isSingleValued: "TRUE",
        ...syntax,
      },
    }),
  );
  const names = attributes.map(({ name }) => name);
  const allowed = ["User", "Group", "Contact"].map(
    (objectClass): LoadStep => ({
      append: `CN=${objectClass},${schemaDn}`,
      attributes: { mayContain: names },
    }),
  );
  return [...added, { rereadSchema: true }, ...allowed, { rereadSchema: true }];
}
