/**
 * What a query in KQL names, as far as it must agree with the code: tables, events, metrics, fields. It reads the manner in which
 * ours are written, not the language.
 */
export interface KqlNames {
  readonly tables: readonly string[];
  /** Every string in quotes. */
  readonly literals: readonly string[];
  readonly metrics: readonly string[];
  /** `Properties.…` */
  readonly fields: readonly string[];
}

export function namesOf(kql: string): KqlNames {
  const text = kql.replace(/^\s*\/\/.*$/gm, "");
  const literals = [...text.matchAll(/"([^"]*)"/g)].map(([, literal = ""]) => literal);
  return {
    literals,
    // They stand alone in a line, or in that of a `union` or `let`.
    tables: [...text.matchAll(/^ *(?:let \w+ = )?(?:union )?([A-Z]\w+(?:, [A-Z]\w+)*);?$/gm)].flatMap(
      ([, names = ""]) => names.split(", "),
    ),
    metrics: literals.filter((literal) => literal.startsWith("uplink.")),
    fields: [...text.matchAll(/\bProperties\.(\w+|\["[^"]+"\])/g)].map(([, name = ""]) => name.replace(/[["\]]/g, "")),
  };
}
