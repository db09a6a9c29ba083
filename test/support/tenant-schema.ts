/**
 * A schema in the shape that a tenant exports, made from the default mapping of users: texts and trees side by side in
 * Graph's order of keys, job parameters in the trees only, the scope among the input filters with Microsoft's own
 * pattern for conflicts, a disabled mapping without source, metadata, directories, and fields that nobody here reads.
 */
import { sourceOf } from "../../shared/domain/attribute-flow/source-expression.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import type { SynchronizationSchema } from "../../shared/domain/synchronization-schema.ts";

const JOB = "AD2AADProvisioning.0f1e2d3c4b5a69788796a5b4c3d2e1f0.11111111-2222-4333-8444-555555555555";
const VERSION = "Date:2026-01-05T08:00:00.0000000Z, ActivityId:66666666-7777-4888-8999-000000000000";
const CONTEXT = `https://graph.example/beta/$metadata#servicePrincipals('1')/synchronization/jobs('${JOB}')/schema`;

/** What an admin of that tenant made another source of. */
const CUSTOM: Readonly<Record<string, string>> = { SourceAnchor: "[employeeID]", UserPrincipalName: "[mail]" };

const entry = (key: string, value: string) => ({ key, value });

function metadata(isExcluded: boolean) {
  return [
    entry("IsCustomerDefined", "false"),
    entry("Disposition", '"Normal"'),
    entry("ExcludeFromReporting", String(isExcluded)),
    entry("EscrowBehavior", '"Default"'),
    entry("Unsynchronized", String(isExcluded)),
  ];
}

function userMappings() {
  const users = defaultSchema().synchronizationRules[0]?.objectMappings[0]?.attributeMappings ?? [];
  return users.map(({ targetAttributeName, matchingPriority, source }) => ({
    defaultValue: null,
    exportMissingReferences: false,
    flowBehavior: "FlowWhenChanged",
    flowType: "Always",
    matchingPriority: matchingPriority ?? 0,
    targetAttributeName,
    source: sourceOf(CUSTOM[targetAttributeName ?? ""] ?? source?.expression ?? '""'),
  }));
}

const clause = (operatorName: string, sourceOperandName: string, value?: string) => ({
  operatorName,
  sourceOperandName,
  targetOperand: value === undefined ? null : { values: [value] },
});

const SCOPE = {
  categoryFilterGroups: [],
  groups: [],
  inputFilterGroups: [
    {
      name: "DefaultUserExclusions.0.UX-OrganizationalGroup-Scope",
      clauses: [
        clause("IS FALSE", "isCriticalSystemObject"),
        clause("NOT REGEX MATCH", "adminDescription", "^User_"),
        clause("IS NOT NULL", "sAMAccountName"),
        clause("NOT REGEX MATCH", "sAMAccountName", "^MSOL_"),
        clause("!&", "msExchRecipientTypeDetails", "566259712"),
        clause("NOT REGEX MATCH", "distinguishedName", "^CN\\s*=\\s*([^\\,]*)\\0ACNF"),
        clause("ENDS_WITH", "distinguishedName", "OU=People,DC=corp,DC=example"),
      ],
    },
  ],
};

function attribute(name: string, type: string, multivalued: boolean) {
  return {
    anchor: name === "objectGUID",
    caseExact: false,
    defaultValue: null,
    flowNullValues: false,
    multivalued,
    mutability: "ReadWrite",
    name,
    required: false,
    type,
    apiExpressions: [],
    metadata: [],
    referencedObjects: type === "Reference" ? [{ referencedObjectName: "user", referencedProperty: null }] : [],
  };
}

/** A new one each time; what it holds can be written to a file as it is. */
export function tenantSchema(): SynchronizationSchema {
  const schema = {
    "@odata.context": `${CONTEXT}/$entity`,
    id: JOB,
    provisioningTaskIdentifier: JOB,
    version: VERSION,
    synchronizationRules: [
      {
        editable: true,
        id: "99999999-aaaa-4bbb-8ccc-dddddddddddd",
        name: "AD2AADProvisioning",
        priority: 1,
        sourceDirectoryName: "Active Directory",
        targetDirectoryName: "Azure Active Directory",
        metadata: [entry("supportsProvisionOnDemand", "true"), entry("aSettingOfTomorrow", '{"depth":{"of":"it"}}')],
        groupFilter: null,
        containerFilter: { includedContainers: [] },
        objectMappings: [
          {
            enabled: true,
            flowTypes: "Add, Update, Delete",
            name: "Synchronize Active Directory users to Azure Active Directory",
            sourceObjectName: "user",
            targetObjectName: "User",
            attributeMappings: userMappings(),
            metadata: [...metadata(false), entry("OriginalJoiningProperty", "onPremisesObjectIdentifier")],
            scope: SCOPE,
          },
          {
            enabled: false,
            flowTypes: "Add, Update, Delete",
            name: null,
            scope: null,
            sourceObjectName: "",
            targetObjectName: "SyncCredentialsChangeItem",
            attributeMappings: [],
            metadata: metadata(true),
          },
        ],
      },
    ],
    "directories@odata.context": `${CONTEXT}/directories`,
    directories: [
      {
        id: "eeeeeeee-ffff-4000-8111-222222222222",
        discoveryDateTime: null,
        discoverabilities: "None",
        name: "Active Directory",
        readOnly: false,
        version: VERSION,
        objects: [
          {
            name: "user",
            supportedApis: ["user"],
            attributes: [
              attribute("accountDisabled", "Boolean", false),
              attribute("altRecipient", "Reference", false),
              attribute("authOrig", "Reference", true),
              attribute("countryCode", "Integer", false),
              attribute("objectGUID", "Binary", false),
              attribute("PasswordChangeDate", "DateTime", false),
              attribute("postOfficeBox", "String", true),
              attribute("proxyAddresses", "String", true),
              attribute("pwdLastSet", "Integer", false),
              attribute("thumbnailPhoto", "Binary", false),
              attribute("url", "String", true),
              attribute("userAccountControl", "Integer", false),
            ],
            metadata: [entry("ConnectorDataStorageRequired", "false")],
          },
          { name: "?-12345678-90AB-4CDE-8F01-234567890ABC-?", supportedApis: [], attributes: [], metadata: [] },
        ],
      },
      {
        id: "33333333-4444-4555-8666-777777777777",
        name: "Azure Active Directory",
        objects: [],
        aFlagOfTomorrow: true,
      },
    ],
  };
  return schema;
}
