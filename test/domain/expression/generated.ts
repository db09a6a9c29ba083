/** Trees of the language, and objects for them, made at random: as the parser can make them, and as people mean them. */

import fc from "fast-check";
import { encodeBase64 } from "../../../shared/domain/base64.ts";
import type { Comparison, Node } from "../../../shared/domain/expression/ast.ts";
import type { FunctionDefinition, Parameter } from "../../../shared/domain/expression/definition.ts";
import { FUNCTIONS, WORDS } from "../../../shared/domain/expression/functions/index.ts";
import type { Scalar, Value } from "../../../shared/domain/expression/value.ts";
import { type AttributeDefinition, objectDefinition } from "../../../shared/domain/object-definition.ts";

const attribute = (
  name: string,
  type: AttributeDefinition["type"] = "String",
  multivalued = false,
): AttributeDefinition => ({ name, type, multivalued });

/** One attribute of every type, single and with several values. */
export const CLASS = objectDefinition("thing", [
  attribute("mail"),
  attribute("department"),
  attribute("url", "String", true),
  attribute("userAccountControl", "Integer"),
  attribute("numbers", "Integer", true),
  attribute("manager", "Reference"),
  attribute("memberOf", "Reference", true),
  attribute("objectGUID", "Binary"),
  attribute("objectSid", "Binary"),
  attribute("userCertificate", "Binary", true),
  attribute("isCritical", "Boolean"),
  attribute("whenCreated", "DateTime"),
]);

const NAMES = Array.from(CLASS.attributes.values(), ({ name }) => name);

const TEXTS = [
  ..."|a| |0|1|-1|2|3|12|True|false|d|m|yyyy|,|, |a,b;c|en-US|tr-TR|??|2026-01-31|2026-02-30|1/31/2026 8:00:00 AM".split(
    "|",
  ),
  ...[
    "yyyy-MM-dd",
    "zzz",
    "'",
    "SGk=",
    "S-1-5-32-544",
    "(a)|(?<n>b+)",
    "n",
    "$1",
    "$" + "{n}",
    "(",
    "(a+)+$",
    "[^a]",
    "\\",
    '"',
  ],
  ...[
    "ß",
    "İ",
    "ǆ",
    "\ud800",
    "😀",
    "e\u0301",
    "\u0000",
    "\r\n",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
    "99999999999999999999999",
  ],
];

export const oddText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 12 }) },
);

const number = fc.oneof(
  fc.bigInt({ min: -3n, max: 20n }),
  fc.constantFrom(300n, 2n ** 31n, 2n ** 63n, -(2n ** 63n), 10n ** 30n, 133_000_000_000_000_000n),
);

const literal: fc.Arbitrary<Node> = fc.oneof(
  oddText.map((value): Node => ({ type: "string", position: 0, value })),
  number.map((value): Node => ({ type: "number", position: 0, value })),
);

const leaf = (names: readonly string[]): fc.Arbitrary<Node> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...names).map((name): Node => ({ type: "attribute", position: 0, name })) },
    { weight: 3, arbitrary: literal },
    { weight: 1, arbitrary: fc.constantFrom(...WORDS).map((name): Node => ({ type: "word", position: 0, name })) },
    { weight: 1, arbitrary: fc.constant<Node>({ type: "parameter", position: 0, name: "Domain" }) },
  );

const comparison = fc.constantFrom<Comparison>("=", "<>", "<", "<=", ">", ">=");
const withoutComparison = (node: Node): boolean => node.type !== "compare";
const isOperand = (node: Node): boolean => withoutComparison(node) && node.type !== "concatenate";

/** Around `inner`: a concatenation, and among arguments a comparison. */
function operators(inner: fc.Arbitrary<Node>): fc.Arbitrary<Node>[] {
  return [
    fc
      .array(inner.filter(isOperand), { minLength: 2, maxLength: 4 })
      .map((parts): Node => ({ type: "concatenate", position: 0, parts })),
    fc
      .tuple(comparison, inner.filter(withoutComparison), inner.filter(withoutComparison))
      .map(([operator, left, right]): Node => ({ type: "compare", position: 0, operator, left, right })),
  ];
}

const attributeName = fc
  .oneof(fc.constantFrom(...NAMES), fc.string({ minLength: 1, maxLength: 8 }), fc.constant('mails[type eq "w"].value'))
  .filter((name) => name === name.trim() && name !== "" && (!/[[\]]/.test(name) || name.startsWith("mails")));

/** Any tree that the parser can make: functions that don't exist too, any number of arguments, any of them omitted. */
export const anyTree: fc.Arbitrary<Node> = fc
  .letrec<{ node: Node; argument: Node | null }>((tie) => ({
    argument: fc.option(tie("node"), { freq: 6 }),
    node: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.oneof(
        leaf(NAMES),
        attributeName.map((name): Node => ({ type: "attribute", position: 0, name })),
      ),
      fc
        .tuple(fc.constantFrom(...FUNCTIONS.keys(), "Frobnicate", "_x1"), fc.array(tie("argument"), { maxLength: 5 }))
        .map(
          ([name, args]): Node => ({
            type: "call",
            position: 0,
            name,
            args: args.length === 1 && args[0] === null ? [] : args,
          }),
        ),
      ...operators(tie("node")),
    ),
  }))
  .node.filter(withoutComparison);

type Argument = (parameter: Parameter) => fc.Arbitrary<Node | null>;

function callOf(definition: FunctionDefinition, argument: Argument): fc.Arbitrary<Node> {
  const { name, parameters, repeating } = definition;
  const times = repeating ? fc.integer({ min: repeating.times, max: repeating.times + 2 }) : fc.constant(0);
  return times.chain((count) => {
    const all = [...parameters, ...Array.from({ length: count }, () => repeating?.parameters ?? []).flat()];
    const cut = all.findLastIndex((parameter) => !parameter.optional) + 1;
    return fc.integer({ min: repeating ? all.length : cut, max: all.length }).chain((length) =>
      fc.tuple(...all.slice(0, length).map(argument)).map(
        (args): Node => ({
          type: "call",
          position: 0,
          name,
          args: args.length === 1 && args[0] === null ? [] : args,
        }),
      ),
    );
  });
}

/** What people may put in the place of a parameter; often of the right kind, sometimes not. */
const CONSTANTS: Partial<Record<Parameter["name"], readonly string[]>> = {
  interval: ["d", "yyyy", "m", "ww", "h", "x"],
  culture: ["", "tr-TR", "en-US"],
  inputFormat: ["yyyy-MM-dd", "M/d/yyyy h:mm:ss tt"],
  outputFormat: ["yyyy-MM-dd", "o", "dd MMM"],
  dateTimeStyles: ["", "None", "AllowWhiteSpaces"],
  regexPattern: ["(a)|(?<n>b+)", "[^a]", "\\s+", "(a+)+$", "^(?<n>.*)@"],
  regexGroupName: ["n", "1"],
  compareType: ["vbTextCompare", "vbBinaryCompare"],
  encoding: ["UTF8", "ASCII", "Unicode"],
  delimiter: [",", ";"],
};

const PREFERRED: Partial<Record<Parameter["type"], readonly string[]>> = {
  number: ["userAccountControl", "numbers", "department"],
  date: ["whenCreated", "department"],
  condition: ["isCritical"],
  sid: ["objectSid", "objectGUID"],
  roles: ["appRoleAssignments"],
  list: ["url", "memberOf", "numbers", "userCertificate"],
};

/** Calls of all functions with as many arguments as they take, most of them of the kind that they take. */
function sensibleNode(names: readonly string[], isTop: boolean, depth: number): fc.Arbitrary<Node> {
  const functions = [...FUNCTIONS.values()].filter(({ topLevelOnly }) => isTop || !topLevelOnly);
  if (depth === 0) return leaf(names);
  const inner = fc.memo((level) => sensibleNode(names, false, level));
  const node = inner(depth - 1);
  const argument: Argument = (parameter) => {
    const constants = CONSTANTS[parameter.name];
    const preferred = PREFERRED[parameter.type]?.filter((name) => names.includes(name)) ?? [];
    const choices: fc.WeightedArbitrary<Node | null>[] = [{ weight: 4, arbitrary: node }];
    if (constants) {
      const written = fc.constantFrom(...constants).map((value): Node => ({ type: "string", position: 0, value }));
      choices.push({ weight: 12, arbitrary: written });
    }
    if (preferred.length > 0) {
      const read = fc.constantFrom(...preferred).map((name): Node => ({ type: "attribute", position: 0, name }));
      choices.push({ weight: 4, arbitrary: read });
    }
    if (parameter.type === "number") {
      const small = fc.bigInt({ min: 1n, max: 12n }).map((value): Node => ({ type: "number", position: 0, value }));
      choices.push({ weight: 6, arbitrary: small });
    }
    if (parameter.optional) choices.push({ weight: 3, arbitrary: fc.constant(null) });
    return fc.oneof(...choices);
  };
  const calls = functions.map((definition) => callOf(definition, argument));
  return fc.oneof(
    { weight: 2, arbitrary: leaf(names) },
    { weight: 12, arbitrary: fc.oneof(...calls) },
    { weight: 1, arbitrary: operators(node)[0] ?? node },
    ...(isTop ? [] : [{ weight: 1, arbitrary: operators(node)[1] ?? node }]),
  );
}

/** Reads the attributes of `CLASS` only. */
export const sensibleTree: fc.Arbitrary<Node> = sensibleNode(NAMES, true, 3);
/** Reads attributes that nobody has described as well. */
export const wildTree: fc.Arbitrary<Node> = sensibleNode([...NAMES, "anything", "appRoleAssignments"], true, 3);

const digits = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n });
const smallDigits = fc.bigInt({ min: -5n, max: 600n });
const bytes = (length?: number): fc.Arbitrary<string> =>
  fc.uint8Array(length === undefined ? { maxLength: 40 } : { minLength: length, maxLength: length }).map(encodeBase64);
/** Revision 1, one to four subauthorities. */
const sid = fc
  .integer({ min: 1, max: 4 })
  .chain((count) =>
    fc
      .uint8Array({ minLength: 6 + 4 * count, maxLength: 6 + 4 * count })
      .map((rest) => encodeBase64(Uint8Array.from([1, count, ...rest]))),
  );

const distinguishedName = fc.constantFrom("CN=a,DC=x", "CN=Doe\\, Ann,OU=\\C3\\A4,DC=x", "DC=x", "CN=a\\0ADEL:1,DC=x");

/** Values as the directory gives them: numbers and truths often as texts. */
const CONFORMING: Readonly<Record<AttributeDefinition["type"], fc.Arbitrary<Scalar>>> = {
  String: oddText,
  Integer: fc.oneof(digits, smallDigits).chain((value) => fc.constantFrom<Scalar>(value, value.toString())),
  Boolean: fc.constantFrom<Scalar>(true, false, "TRUE", "FALSE"),
  DateTime: fc.constantFrom<Scalar>("20260115102030.0Z", "16010101000000.0Z", "99991231235959.0Z"),
  Reference: distinguishedName,
  Binary: fc.oneof(
    bytes(16).map((base64): Scalar => ({ kind: "binary", base64, form: "guid" })),
    sid.map((base64): Scalar => ({ kind: "binary", base64, form: "sid" })),
    bytes().map((base64): Scalar => ({ kind: "binary", base64, form: "bytes" })),
  ),
};

function valuesOf(scalar: fc.Arbitrary<Scalar>, many: boolean): fc.Arbitrary<Value> {
  if (!many) return fc.option(scalar, { freq: 6 });
  return fc.oneof(fc.constant(null), scalar, fc.array(scalar, { minLength: 1, maxLength: 4 }));
}

export type Source = Readonly<Record<string, Value>>;

/** An object of the class `thing`. */
export const conformingSource: fc.Arbitrary<Source> = fc.record(
  Object.fromEntries(
    Array.from(CLASS.attributes.values(), ({ name, type, multivalued }) => [
      name,
      valuesOf(CONFORMING[type], multivalued),
    ]),
  ),
);

const anyScalar: fc.Arbitrary<Scalar> = fc.oneof(
  oddText,
  number,
  fc.boolean(),
  fc.bigInt({ min: 0n, max: 3_155_378_975_999_999_999n }).map((ticks): Scalar => ({ kind: "date", ticks })),
  CONFORMING.Binary,
  // Malformed: what says to be a GUID or a SID and is none.
  bytes().chain((base64) =>
    fc.constantFrom<Scalar>({ kind: "binary", base64, form: "guid" }, { kind: "binary", base64, form: "sid" }),
  ),
  fc
    .record({ id: oddText, value: fc.option(oddText), displayName: fc.option(oddText) })
    .map((fields): Scalar => ({ kind: "structure", fields })),
);

/** Any values under any names. */
export const anySource: fc.Arbitrary<Source> = fc.record(
  Object.fromEntries([...NAMES, "anything", "appRoleAssignments"].map((name) => [name, valuesOf(anyScalar, true)])),
);
