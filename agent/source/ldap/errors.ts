/** What a failed bind, search or connection means for the reader, and what to do about it. */
import { ResultCodeError } from "ldapts";
import { SourceError } from "../../../shared/ports/source-directory.ts";

export const RESULT = {
  timeLimitExceeded: 3,
  unavailableCriticalExtension: 12,
  referral: 10,
  noSuchObject: 32,
  invalidDnSyntax: 34,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
} as const;

/** The LDAP result code of an error, or undefined when it is none of the server's answers. */
export function resultCodeOf(error: unknown): number | undefined {
  return error instanceof ResultCodeError ? error.code : undefined;
}

const CERTIFICATE_CODES =
  /^(ERR_TLS|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(VERIFY|GET)|HOSTNAME_MISMATCH|ERR_SSL|EPROTO)/;

/** AD puts the reason of a refused bind into the message: `… data 52e, v4563`. */
const BIND_REASONS: Readonly<Record<string, string>> = {
  "525": "the account doesn't exist",
  "52e": "the password is wrong",
  "530": "the account may not sign in at this time",
  "531": "the account may not sign in from this computer",
  "532": "the password has expired",
  "533": "the account is disabled",
  "701": "the account has expired",
  "773": "the password must be changed first",
  "775": "the account is locked out",
};

/** An error of connecting or binding. Never carries the password; ldapts' messages don't. */
export function connectionError(error: unknown, url: string, bindDn: string): SourceError {
  const cause = { cause: error };
  if (resultCodeOf(error) === RESULT.invalidCredentials) {
    const data = /data ([0-9a-f]+)/i.exec(String(error))?.[1]?.toLowerCase() ?? "";
    const reason = BIND_REASONS[data] ?? "name or password is wrong";
    return new SourceError(
      "source-credentials",
      `Cannot sign in to ${url} as '${bindDn}': ${reason}.`,
      "Check bindDn and the password (UPLINK_LDAP_PASSWORD or passwordFile), and that the account is enabled.",
      cause,
    );
  }
  const code = codeOf(error);
  if (CERTIFICATE_CODES.test(code)) {
    return new SourceError(
      "source-config",
      `Cannot trust ${url}: its certificate was refused (${code}).`,
      "Set caFile to the PEM file of the authority that issued the domain controller's certificate, and use a host name that the certificate carries (or tlsServerName).",
      cause,
    );
  }
  return unreachable(error, url);
}

/** A search that failed for reasons of transport or of a busy server: worth another try later. */
export function unreachable(error: unknown, url: string): SourceError {
  return new SourceError(
    "source-unreachable",
    `Cannot reach the directory ${url}: ${describeError(error)}.`,
    "Check that the domain controller is up, that its name resolves and that TCP 636 is open from here.",
    { cause: error },
  );
}

/** DirSync was refused though the account could sign in. */
export function replicationDenied(error: unknown, bindDn: string, root: string): SourceError {
  return new SourceError(
    "source-rights",
    `The account '${bindDn}' may not replicate ${root}: the right 'Replicating Directory Changes' is missing.`,
    `Grant it on ${root}: on Windows: dsacls "${root}" /G "DOMAIN\\account:CA;Replicating Directory Changes"; on Samba: ` +
      `samba-tool dsacl set --objectdn="${root}" --sddl="(OA;;CR;1131f6aa-9c07-11d1-f79f-00c04fc2dcd2;;SID-of-the-account)".`,
    { cause: error },
  );
}

/** The account is known to lack a right on CN=Deleted Objects. */
export function deletedObjectsHidden(bindDn: string, root: string, cause?: unknown): SourceError {
  return new SourceError(
    "source-rights",
    `The account '${bindDn}' can't see ${deletedObjects(root)}: 'List contents' and 'Read property' are not both granted there. Deletions would be lost without a sign, so the agent doesn't run.`,
    grantOnDeletedObjects(root),
    cause === undefined ? undefined : { cause },
  );
}

/** Nothing is deleted that could be seen, and the access list that would tell can't be read. */
export function deletedObjectsUnproved(bindDn: string, root: string): SourceError {
  return new SourceError(
    "source-rights",
    `Nothing proves that the account '${bindDn}' has 'List contents' on ${deletedObjects(root)}: it sees no deleted object, and may not read the container's permissions. Deletions could be lost without a sign, so the agent doesn't run.`,
    grantOnDeletedObjects(root),
  );
}

function deletedObjects(root: string): string {
  return `CN=Deleted Objects,${root}`;
}

function grantOnDeletedObjects(root: string): string {
  const container = deletedObjects(root);
  return (
    `Grant List contents, Read property and Read permissions: on Windows, as a domain admin: dsacls "${container}" /takeOwnership, then dsacls "${container}" /G "DOMAIN\\account:LCRPRC"; ` +
    "on Samba add (A;;LCRPRC;;;SID-of-the-account) to the container's nTSecurityDescriptor (with the show-deleted control)."
  );
}

export function describeError(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describeError(error.errors[0]);
  const code = codeOf(error);
  const message = error instanceof Error ? error.message.replace(/\s+/g, " ").trim() : String(error);
  return code !== "" && !message.includes(code) ? `${message} (${code})` : message;
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if (!(error instanceof Error) || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}
