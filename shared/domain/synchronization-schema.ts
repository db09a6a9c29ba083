/**
 * Microsoft Graph's `synchronizationSchema`, whole, in Graph's own words and shape.
 *
 * Types only. What crosses a border is parsed by the contract of the same name; fields that stand in no type here may be
 * there and are kept by whoever stores the schema. Graph writes null where a field has no value, so every optional
 * field here may be null. The engine reads rules, mappings and filters; directories tell the check which attributes
 * the tenant knows; everything else is kept for whoever reads the export.
 */

type Maybe<T> = T | null | undefined;

export interface SynchronizationSchema {
  readonly id?: Maybe<string>;
  readonly version?: Maybe<string>;
  readonly provisioningTaskIdentifier?: Maybe<string>;
  readonly synchronizationRules: readonly SynchronizationRule[];
  readonly directories?: Maybe<readonly DirectoryDefinition[]>;
}

export interface MetadataEntry {
  readonly key?: Maybe<string>;
  readonly value?: Maybe<string>;
}

export interface SynchronizationRule {
  readonly id?: Maybe<string>;
  readonly name?: Maybe<string>;
  readonly priority?: Maybe<number>;
  readonly editable?: Maybe<boolean>;
  readonly sourceDirectoryName?: Maybe<string>;
  readonly targetDirectoryName?: Maybe<string>;
  readonly metadata?: Maybe<readonly MetadataEntry[]>;
  readonly objectMappings: readonly ObjectMapping[];
  /** Organizational units and groups in scope, by the tenant's own identifiers. */
  readonly containerFilter?: Maybe<{ readonly includedContainers?: Maybe<readonly string[]> }>;
  readonly groupFilter?: Maybe<{ readonly includedGroups?: Maybe<readonly string[]> }>;
}

export interface ObjectMapping {
  readonly name?: Maybe<string>;
  readonly enabled?: Maybe<boolean>;
  /** A comma-separated list of Add, Update and Delete. */
  readonly flowTypes?: Maybe<string>;
  readonly sourceObjectName?: Maybe<string>;
  readonly targetObjectName?: Maybe<string>;
  readonly scope?: Maybe<ScopeFilter>;
  readonly metadata?: Maybe<readonly MetadataEntry[]>;
  readonly attributeMappings: readonly AttributeMapping[];
}

export interface AttributeMapping {
  readonly targetAttributeName?: Maybe<string>;
  readonly source?: Maybe<AttributeMappingSource>;
  readonly defaultValue?: Maybe<string>;
  /** `Always`, or `ObjectAddOnly` for values that are sent with a creation only, and three that guard what is there. */
  readonly flowType?: Maybe<string>;
  readonly flowBehavior?: Maybe<string>;
  readonly matchingPriority?: Maybe<number>;
  readonly exportMissingReferences?: Maybe<boolean>;
}

/** Either `expression`, or the same as a tree: a function's name with its parameters, an attribute, a constant. */
export interface AttributeMappingSource {
  readonly expression?: Maybe<string>;
  readonly name?: Maybe<string>;
  readonly type?: Maybe<string>;
  readonly parameters?: Maybe<readonly AttributeMappingParameter[]>;
}

export interface AttributeMappingParameter {
  readonly key?: Maybe<string>;
  readonly value?: Maybe<AttributeMappingSource>;
}

export interface ScopeFilter {
  readonly groups?: Maybe<readonly ScopeFilterGroup[]>;
  /** Objects that fail these are not taken up, but one that is there already isn't removed either. */
  readonly inputFilterGroups?: Maybe<readonly ScopeFilterGroup[]>;
  readonly categoryFilterGroups?: Maybe<readonly ScopeFilterGroup[]>;
}

export interface ScopeFilterGroup {
  readonly name?: Maybe<string>;
  readonly clauses?: Maybe<readonly ScopeFilterClause[]>;
}

export interface ScopeFilterClause {
  readonly sourceOperandName?: Maybe<string>;
  readonly operatorName?: Maybe<string>;
  readonly targetOperand?: Maybe<{ readonly values?: Maybe<readonly string[]> }>;
}

export interface DirectoryDefinition {
  readonly id?: Maybe<string>;
  readonly name?: Maybe<string>;
  readonly version?: Maybe<string>;
  readonly discoveryDateTime?: Maybe<string>;
  readonly discoverabilities?: Maybe<string>;
  readonly readOnly?: Maybe<boolean>;
  readonly objects?: Maybe<readonly DirectoryObject[]>;
}

export interface DirectoryObject {
  readonly name?: Maybe<string>;
  readonly supportedApis?: Maybe<readonly string[]>;
  readonly attributes?: Maybe<readonly DirectoryAttribute[]>;
  readonly metadata?: Maybe<readonly MetadataEntry[]>;
}

export interface DirectoryAttribute {
  readonly name?: Maybe<string>;
  /** `String`, `Integer`, `Boolean`, `Binary`, `DateTime` or `Reference`. */
  readonly type?: Maybe<string>;
  readonly multivalued?: Maybe<boolean>;
  readonly required?: Maybe<boolean>;
  readonly caseExact?: Maybe<boolean>;
  readonly anchor?: Maybe<boolean>;
  readonly flowNullValues?: Maybe<boolean>;
  readonly mutability?: Maybe<string>;
  readonly defaultValue?: Maybe<string>;
  readonly metadata?: Maybe<readonly MetadataEntry[]>;
  readonly apiExpressions?: Maybe<readonly unknown[]>;
  readonly referencedObjects?: Maybe<
    readonly { readonly referencedObjectName?: Maybe<string>; readonly referencedProperty?: Maybe<string> }[]
  >;
}
