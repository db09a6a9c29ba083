// A storage account without keys: Entra tokens alone open it. Tables and containers come from the table of needs.

@minLength(3)
@maxLength(24)
param name string
param location string
param tags object

@description('Redundancy: by zone, where the region has zones.')
param sku 'Standard_ZRS' | 'Standard_LRS' | 'Standard_GZRS'

param tables { name: string, meaning: string }[] = []
param containers string[] = []

@description('Keeps versions and what was deleted for 30 days, and forbids to delete the account.')
param isPrecious bool = false

@description('Reached by private endpoints alone.')
param isPrivate bool

param roles { role: string, roleId: string, scope: string, why: string, backend: string }[]
param principalId string

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }

  resource blobService 'blobServices' = {
    name: 'default'
    properties: isPrecious
      ? {
          isVersioningEnabled: true
          deleteRetentionPolicy: { enabled: true, days: 30 }
          containerDeleteRetentionPolicy: { enabled: true, days: 30 }
        }
      : {}

    resource container 'containers' = [
      for own in containers: {
        name: own
        properties: { publicAccess: 'None' }
      }
    ]
  }

  resource tableService 'tableServices' = {
    name: 'default'

    resource table 'tables' = [
      for own in tables: {
        name: own.name
      }
    ]
  }

  // What retention deleted must not live on as a version for ever: it holds people's data.
  resource lifecycle 'managementPolicies' = if (isPrecious) {
    name: 'default'
    properties: {
      policy: {
        rules: [
          {
            name: 'drop-old-versions'
            type: 'Lifecycle'
            definition: {
              filters: { blobTypes: ['blockBlob'] }
              actions: { version: { delete: { daysAfterCreationGreaterThan: 30 } } }
            }
          }
        ]
      }
    }
    dependsOn: [blobService]
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (isPrecious) {
  name: 'keep'
  scope: account
  properties: {
    level: 'CanNotDelete'
    notes: 'Images, links and watermarks of all directories. Export first, then take this lock away.'
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for own in roles: {
    name: guid(account.id, principalId, own.roleId)
    scope: account
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', own.roleId)
      description: own.why
    }
  }
]

output id string = account.id
output name string = account.name
output blob string = account.properties.primaryEndpoints.blob
output queue string = account.properties.primaryEndpoints.queue
output table string = account.properties.primaryEndpoints.table
