/**
 * What a directory says of one class of objects: which attributes they may have, of which type, with how many values.
 *
 * The checks of expressions and scopes look attributes up here. A schema may bring definitions of its own; where it
 * brings none, those of Active Directory stand in (`active-directory.ts`). A definition describes; it limits nothing at
 * run time: an attribute that no definition knows is read like any other.
 */

export type AttributeType = "String" | "Integer" | "Reference" | "Binary" | "Boolean" | "DateTime";

export interface AttributeDefinition {
  /** In the directory's own spelling. */
  readonly name: string;
  /** Spellings besides that are as good. */
  readonly otherSpellings?: readonly string[];
  readonly type: AttributeType;
  readonly multivalued: boolean;
}

export interface ObjectDefinition {
  /** The class, such as `user`. */
  readonly name: string;
  /** By name in lower case. */
  readonly attributes: ReadonlyMap<string, AttributeDefinition>;
}

export function objectDefinition(name: string, attributes: Iterable<AttributeDefinition>): ObjectDefinition {
  return { name, attributes: new Map(Array.from(attributes, (one) => [one.name.toLowerCase(), one])) };
}
