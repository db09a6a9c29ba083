// The doorbell's namespace: reached by identity alone, each role on the queue and on nothing wider.

param name string
param location string
param tags object

param queues { name: string, meaning: string, maxDeliveryCount: int, lockSeconds: int }[]

@description('Reached by a private endpoint alone, which takes the Premium tier.')
param isPrivate bool

param roles { role: string, roleId: string, scope: string, why: string, backend: string }[]
param principalId string

var tier = isPrivate ? 'Premium' : 'Standard'

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: isPrivate ? { name: tier, tier: tier, capacity: 1 } : { name: tier, tier: tier }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [
  for own in queues: {
    parent: namespace
    name: own.name
    properties: {
      maxDeliveryCount: own.maxDeliveryCount
      lockDuration: 'PT${own.lockSeconds}S'
      // A bell that nobody heard for a day says nothing: the tick found its batch long ago.
      defaultMessageTimeToLive: 'P1D'
      deadLetteringOnMessageExpiration: false
      requiresDuplicateDetection: false
      requiresSession: false
    }
  }
]

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for at in range(0, length(roles) * length(queues)): {
    name: guid(queue[at / length(roles)].id, principalId, roles[at % length(roles)].roleId)
    scope: queue[at / length(roles)]
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId(
        'Microsoft.Authorization/roleDefinitions',
        roles[at % length(roles)].roleId
      )
      description: roles[at % length(roles)].why
    }
  }
]

output id string = namespace.id
output name string = namespace.name
output hostName string = replace(replace(namespace.properties.serviceBusEndpoint, 'https://', ''), ':443/', '')
