// The vault of the secrets that admins save, and of the target's certificate: by roles, never to be purged before its time.

@minLength(3)
@maxLength(24)
param name string
param location string
param tags object

@description('Reached by a private endpoint alone.')
param isPrivate bool

@description('The Log Analytics workspace that is told who read what.')
param workspaceId string

param roles { role: string, roleId: string, scope: string, why: string, backend: string }[]
param principalId string

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    softDeleteRetentionInDays: 90
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'audit', enabled: true }]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for own in roles: {
    name: guid(vault.id, principalId, own.roleId)
    scope: vault
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', own.roleId)
      description: own.why
    }
  }
]

output id string = vault.id
output name string = vault.name
output url string = vault.properties.vaultUri
