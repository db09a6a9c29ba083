/** What an export calls its people by: display names, sign-in names, mail addresses, distinguished names. */

const NAMING = /^(?:dn|cn|sn|givenName|displayName|userPrincipalName|mail|sAMAccountName)(::?) (.+)$/gm;
/** Words of the domain and the program. */
const NOBODY = /^(Fabrikam|Users|Domain|Administrators?)$/i;

/** Without what is nobody's, what is too short to tell, and words that look like any other. */
export function namesInLdif(ldif: string): string[] {
  const all = [...ldif.matchAll(NAMING)].map(([, mark, value = ""]) =>
    mark === "::" ? Buffer.from(value, "base64").toString("utf8") : value,
  );
  const told = all.filter((name) => name.length > 4 && !NOBODY.test(name) && /[\s@,=]|^[A-ZÀ-Þ]/u.test(name));
  return [...new Set(told)];
}
