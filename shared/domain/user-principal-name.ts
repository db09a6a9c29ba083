/** The suffix of a user principal name: a target takes only domains that it has verified. */

export type SuffixPolicy = "replace" | "escrow";

export type SuffixVerdict =
  | { readonly kind: "kept"; readonly userPrincipalName: string }
  | { readonly kind: "replaced"; readonly userPrincipalName: string; readonly suffix: string }
  | { readonly kind: "refused"; readonly suffix: string };

/** A name whose suffix isn't verified becomes `<prefix>@<initial domain>`, as Microsoft's sync does, or is refused. */
export function settleSuffix(
  userPrincipalName: string,
  target: { readonly initialDomain: string; readonly verifiedDomains: readonly string[] },
  policy: SuffixPolicy,
): SuffixVerdict {
  const at = userPrincipalName.lastIndexOf("@");
  const suffix = at < 0 ? "" : userPrincipalName.slice(at + 1).toLowerCase();
  if (target.verifiedDomains.includes(suffix)) return { kind: "kept", userPrincipalName };
  if (policy === "escrow") return { kind: "refused", suffix };
  const prefix = at < 0 ? userPrincipalName : userPrincipalName.slice(0, at);
  return { kind: "replaced", userPrincipalName: `${prefix}@${target.initialDomain}`, suffix };
}
