/**
 * Route templates of HTTP triggers, in ASP.NET's language as far as Functions apps use it: literals, `{id}`, `{id?}`,
 * `{id=default}`, `{*rest}`, several parts in a segment (`{name}.{ext}`), inline constraints. Literals match without
 * regard to case; a more specific template wins.
 */

export type RouteParams = Readonly<Record<string, string>>;

export type RouteTemplate = {
  /** Parameters (decoded) when a path matches, with or without slashes at its ends; undefined when it doesn't. */
  match(path: string): RouteParams | undefined;
  /** Lower goes first when several templates match. */
  readonly order: string;
};

type Parameter = {
  readonly name: string;
  readonly optional: boolean;
  readonly catchAll: boolean;
  readonly fallback: string | undefined;
  readonly constraints: readonly ((value: string) => boolean)[];
};

type Segment = { readonly parts: readonly (string | Parameter)[]; readonly pattern: RegExp; readonly rank: string };

const int = /^[+-]?\d+$/;
const guid = /^(\{[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\}|[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{32})$/i;
const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

const within = (value: string, low: bigint, high: bigint): boolean =>
  int.test(value) && BigInt(value) >= low && BigInt(value) <= high;

function constraint(text: string, template: string): (value: string) => boolean {
  const call = /^([a-z]+)(?:\((.*)\))?$/is.exec(text);
  const name = call?.[1]?.toLowerCase();
  const argument = call?.[2] ?? "";
  const [first = Number.NaN, second = first] = argument.split(",").map(Number);
  switch (name) {
    case "int":
      return (value) => within(value, -(2n ** 31n), 2n ** 31n - 1n);
    case "long":
      return (value) => within(value, -(2n ** 63n), 2n ** 63n - 1n);
    case "guid":
      return (value) => guid.test(value);
    case "bool":
      return (value) => /^(true|false)$/i.test(value);
    case "alpha":
      return (value) => /^[a-z]*$/i.test(value);
    case "decimal":
    case "double":
    case "float":
      return (value) => number.test(value);
    case "datetime":
      return (value) => !Number.isNaN(Date.parse(value));
    case "required":
      return (value) => value !== "";
    case "min":
      return (value) => int.test(value) && Number(value) >= first;
    case "max":
      return (value) => int.test(value) && Number(value) <= first;
    case "range":
      return (value) => int.test(value) && Number(value) >= first && Number(value) <= second;
    case "length":
      return (value) => value.length >= first && value.length <= second;
    case "minlength":
      return (value) => value.length >= first;
    case "maxlength":
      return (value) => value.length <= first;
    case "regex": {
      const pattern = new RegExp(argument.replaceAll("{{", "{").replaceAll("}}", "}"), "i");
      return (value) => pattern.test(value);
    }
    default:
      throw new Error(`The route '${template}' has a constraint that the host doesn't know: '${text}'.`);
  }
}

/** Cuts `id:int:min(1)=5?` into its pieces; a colon inside parentheses belongs to its constraint. */
function parseParameter(text: string, template: string): Parameter {
  const catchAll = text.startsWith("*");
  let rest = text.replace(/^\*+/, "");
  const optional = rest.endsWith("?");
  if (optional) rest = rest.slice(0, -1);
  const equals = /=(?![^(]*\))/.exec(rest);
  const fallback = equals === null ? undefined : rest.slice(equals.index + 1);
  if (equals !== null) rest = rest.slice(0, equals.index);
  const [name = "", ...constraints] = rest.split(/:(?![^(]*\))/);
  if (name === "") throw new Error(`The route '${template}' has a parameter without a name.`);
  return { name, optional, catchAll, fallback, constraints: constraints.map((one) => constraint(one, template)) };
}

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function parseSegment(text: string, template: string): Segment {
  const parts: (string | Parameter)[] = [];
  const token = /\{((?:[^{}]|\{\{|\}\})*)\}|([^{}]+)/gy;
  let at = 0;
  while (at < text.length) {
    token.lastIndex = at;
    const found = token.exec(text);
    if (found === null) throw new Error(`The route '${template}' cannot be read at '${text.slice(at)}'.`);
    at = token.lastIndex;
    parts.push(found[1] === undefined ? (found[2] ?? "") : parseParameter(found[1], template));
  }
  const source = parts.map((part) => (typeof part === "string" ? escapeRegExp(part) : "(.+?)")).join("");
  const only = parts.length === 1 ? parts[0] : undefined;
  const rank =
    typeof only === "string"
      ? "1"
      : only === undefined
        ? "2"
        : only.catchAll
          ? only.constraints.length > 0
            ? "5"
            : "6"
          : only.constraints.length > 0
            ? "3"
            : "4";
  return { parts, pattern: new RegExp(`^${source}$`, "i"), rank };
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

const trimSlashes = (path: string): string => path.replace(/^\/+|\/+$/g, "");

/** Throws an error that names the template and what can't be read in it. */
export function parseRouteTemplate(template: string): RouteTemplate {
  const trimmed = trimSlashes(template);
  // A slash inside braces (a regex constraint) doesn't end a segment.
  const texts = trimmed === "" ? [] : trimmed.split(/\/(?![^{]*\})/);
  const segments = texts.map((text) => parseSegment(text, template));

  const take = (params: Record<string, string>, parameter: Parameter, raw: string | undefined): boolean => {
    const value = raw === undefined || raw === "" ? parameter.fallback : raw;
    if (value === undefined) return parameter.optional || parameter.catchAll;
    if (!parameter.constraints.every((holds) => holds(value))) return false;
    params[parameter.name] = value;
    return true;
  };

  return {
    order: segments.map(({ rank }) => rank).join(""),
    match: (path) => {
      const given = trimSlashes(path);
      const values = given === "" ? [] : given.split("/").map(decode);
      const params: Record<string, string> = {};
      for (const [index, { parts, pattern }] of segments.entries()) {
        const [only] = parts;
        const value = values[index];
        if (parts.length === 1 && only !== undefined && typeof only !== "string") {
          const rest = only.catchAll ? values.slice(index).join("/") : value;
          if (!take(params, only, rest)) return undefined;
          if (only.catchAll) return params;
          continue;
        }
        const found = value === undefined ? null : pattern.exec(value);
        if (found === null) return undefined;
        const parameters = parts.filter((part): part is Parameter => typeof part !== "string");
        if (!parameters.every((parameter, place) => take(params, parameter, found[place + 1]))) return undefined;
      }
      return values.length > segments.length ? undefined : params;
    },
  };
}
