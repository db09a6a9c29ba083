/**
 * The part of Microsoft Graph's `synchronizationSchema` that the engine reads, in Graph's own words and shape.
 *
 * Types only. What crosses a border is parsed by the contracts; fields that the engine doesn't read may be there and
 * are kept by whoever stores the schema. Graph writes null where a field has no value, so every optional field here may
 * be null.
 */

export interface SynchronizationSchema {
  readonly id?: string | null | undefined;
  readonly version?: string | null | undefined;
  readonly synchronizationRules: readonly SynchronizationRule[];
}

interface SynchronizationRule {
  readonly id?: string | null | undefined;
  readonly name?: string | null | undefined;
  readonly priority?: number | null | undefined;
  readonly editable?: boolean | null | undefined;
  readonly sourceDirectoryName?: string | null | undefined;
  readonly targetDirectoryName?: string | null | undefined;
  readonly objectMappings: readonly ObjectMapping[];
}

export interface ObjectMapping {
  readonly name?: string | null | undefined;
  readonly enabled?: boolean | null | undefined;
  /** A comma-separated list of Add, Update and Delete. */
  readonly flowTypes?: string | null | undefined;
  readonly sourceObjectName?: string | null | undefined;
  readonly targetObjectName?: string | null | undefined;
  readonly scope?: ScopeFilter | null | undefined;
  readonly attributeMappings: readonly AttributeMapping[];
}

export interface AttributeMapping {
  readonly targetAttributeName?: string | null | undefined;
  readonly source?: AttributeMappingSource | null | undefined;
  readonly defaultValue?: string | null | undefined;
  /** `Always`, or `ObjectAddOnly` for values that are sent with a creation only. */
  readonly flowType?: string | null | undefined;
  readonly flowBehavior?: string | null | undefined;
  readonly matchingPriority?: number | null | undefined;
  readonly exportMissingReferences?: boolean | null | undefined;
}

/** Either `expression`, or the same as a tree: a function's name with its parameters, an attribute, a constant. */
export interface AttributeMappingSource {
  readonly expression?: string | null | undefined;
  readonly name?: string | null | undefined;
  readonly type?: string | null | undefined;
  readonly parameters?: readonly AttributeMappingParameter[] | null | undefined;
}

interface AttributeMappingParameter {
  readonly key?: string | null | undefined;
  readonly value?: AttributeMappingSource | null | undefined;
}

export interface ScopeFilter {
  readonly groups?: readonly ScopeFilterGroup[] | null | undefined;
  /** Objects that fail these are not taken up, but one that is there already isn't removed either. */
  readonly inputFilterGroups?: readonly ScopeFilterGroup[] | null | undefined;
  readonly categoryFilterGroups?: readonly ScopeFilterGroup[] | null | undefined;
}

export interface ScopeFilterGroup {
  readonly name?: string | null | undefined;
  readonly clauses?: readonly ScopeFilterClause[] | null | undefined;
}

export interface ScopeFilterClause {
  readonly sourceOperandName?: string | null | undefined;
  readonly operatorName?: string | null | undefined;
  readonly targetOperand?: { readonly values?: readonly string[] | null | undefined } | null | undefined;
}
