/** What a check of a schema says, and where. */

export interface SchemaFinding {
  /** An error: no job starts with this schema. A warning: it starts, and this much of it doesn't happen. */
  readonly severity: "error" | "warning";
  readonly code: string;
  /** Source and target of the object mapping, `user → User`; null for what concerns the schema or a rule. */
  readonly objectMapping: string | null;
  readonly targetAttribute: string | null;
  /** Index into the expression, in UTF-16 units from 0. */
  readonly position: number | null;
  /** The line of the expression with a caret below the position. */
  readonly excerpt: string | null;
  readonly message: string;
  readonly remedy: string;
  /** Where in the JSON: `synchronizationRules[0].objectMappings[1].attributeMappings[3]`. */
  readonly path: string;
}

type Said = Pick<SchemaFinding, "code" | "message" | "remedy"> &
  Partial<Pick<SchemaFinding, "targetAttribute" | "position" | "excerpt" | "path">>;

/** Takes findings about one thing; `path` and names are those of the thing unless said otherwise. */
export interface Reporter {
  readonly error: (said: Said) => void;
  readonly warn: (said: Said) => void;
}

export function createReporter(
  into: SchemaFinding[],
  about: Pick<SchemaFinding, "objectMapping" | "path"> & { readonly targetAttribute?: string | null },
): Reporter {
  const take = (severity: SchemaFinding["severity"]) => (said: Said) =>
    void into.push({
      severity,
      code: said.code,
      objectMapping: about.objectMapping,
      targetAttribute: said.targetAttribute ?? about.targetAttribute ?? null,
      position: said.position ?? null,
      excerpt: said.excerpt ?? null,
      message: said.message,
      remedy: said.remedy,
      path: said.path ?? about.path,
    });
  return { error: take("error"), warn: take("warning") };
}
