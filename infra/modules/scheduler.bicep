// The Durable Task Scheduler with our task hub: Durable's backend, unless storage is chosen.

param name string
param location string
param tags object
param taskHub string

@description('Addresses that may reach it (CIDR); who comes from there still needs a token of an identity that has the role.')
param ipAllowlist string[]

param roles { role: string, roleId: string, scope: string, why: string, backend: string }[]
param principalId string

resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: { name: 'Consumption' }
    ipAllowlist: ipAllowlist
  }

  resource hub 'taskHubs' = {
    name: taskHub
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for own in roles: {
    name: guid(scheduler::hub.id, principalId, own.roleId)
    scope: scheduler::hub
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', own.roleId)
      description: own.why
    }
  }
]

output endpoint string = scheduler.properties.endpoint
