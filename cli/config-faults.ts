/** What is wrong with a file of YAML or JSON: where it stands, by line and path, and what it may have meant. */
import { type Document, LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { AgentError } from "../agent/agent-error.ts";
import { nearestName } from "../shared/domain/nearest-name.ts";

type JsonShape = Readonly<Record<string, unknown>>;
type Path = readonly PropertyKey[];

/** The file's value by its contract. Throws `FaultyFile` with every fault. */
export function parseFile<T>(name: string, text: string, contract: z.ZodType<T>): T {
  const lines = new LineCounter();
  const document = parseDocument(text.replace(/^\uFEFF/, ""), { lineCounter: lines, prettyErrors: false });
  const syntax = [...document.errors, ...document.warnings];
  if (syntax.length > 0)
    throw new FaultyFile(syntax.map(({ message, pos }) => `${name}:${lines.linePos(pos[0]).line}: ${message}`));
  const parsed = contract.safeParse(plainValueOf(name, document));
  if (parsed.success) return parsed.data;
  const shape = z.toJSONSchema(contract, { io: "input", target: "draft-7" });
  throw new FaultyFile(
    parsed.error.issues.flatMap((issue) => {
      const at = (path: Path) => `${name}:${lineOf(document, lines, path)}: `;
      if (issue.code !== "unrecognized_keys")
        return [`${at(issue.path)}${issue.path.join(".") || "the file"}: ${issue.message}`];
      const known = keysOf(shape, issue.path);
      return issue.keys.map((key) => `${at([...issue.path, key])}${unknownKey([...issue.path, key], key, known)}`);
    }),
  );
}

/** Several faults, a line each. */
export class FaultyFile extends AgentError {
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    const [only, ...more] = faults;
    super(
      "config-invalid",
      more.length === 0 ? (only ?? "") : faults.join("\n"),
      "Mend the file. 'uplink config schema' prints the JSON Schemas, by which editors check it as it is written.",
    );
    this.faults = faults;
  }
}

function plainValueOf(name: string, document: Document): unknown {
  try {
    // Aliases of aliases that unfold into more than anybody writes are refused.
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new FaultyFile([`${name}: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

function unknownKey(path: Path, key: string, known: readonly string[]): string {
  const nearest = nearestName(key, known);
  const meant = nearest === undefined ? "" : ` Did you mean '${nearest}'?`;
  return `'${path.join(".")}' is not known.${meant} Known here: ${known.join(", ")}.`;
}

/** Of the node, or of the nearest above it that is there. */
function lineOf(document: Document, lines: LineCounter, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true) as { items?: unknown[] } | undefined;
    const key = path[length - 1];
    const pair = parent?.items?.find(
      (item): item is { key: { value: unknown; range: [number] } } =>
        typeof item === "object" &&
        item !== null &&
        "key" in item &&
        (item as { key: { value?: unknown } }).key?.value === key,
    );
    const node = pair?.key ?? (document.getIn(path.slice(0, length), true) as { range?: [number] } | undefined);
    if (node?.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function keysOf(shape: JsonShape, path: Path): string[] {
  let at: JsonShape | undefined = shape;
  for (const key of path) {
    const next: unknown =
      typeof key === "number" ? at?.["items"] : (at?.["properties"] as JsonShape | undefined)?.[String(key)];
    at = next as JsonShape | undefined;
  }
  const either = [at ?? {}, ...((at?.["anyOf"] as readonly JsonShape[] | undefined) ?? [])];
  return either.flatMap((own) => Object.keys((own["properties"] as JsonShape | undefined) ?? {}));
}
