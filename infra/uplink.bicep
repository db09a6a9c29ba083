// Everything of one deployment, in a resource group that is there already. `main.bicep` makes the group and calls this; whoever may not
// make groups deploys this file.

targetScope = 'resourceGroup'

@description('Names the deployment: lower-case letters, digits and hyphens.')
@minLength(2)
@maxLength(20)
param environmentName string

param location string = resourceGroup().location

@description('Tenant that objects are exported to.')
param targetTenantId string

@description('Application that writes to the target tenant (infra/scripts/register-apps.mjs makes it).')
param targetClientId string

@description('The admin API\'s application, for which tokens are issued (the same script makes it).')
param adminClientId string

@description('Tenant that admins sign in to; empty: the target tenant.')
param adminTenantId string = ''

@description('Cloud of the target tenant.')
param targetCloud 'public' | 'usgov' | 'china' = 'public'

@description('Name of the target application\'s certificate in the key vault, for a target in another tenant or cloud than the subscription\'s; empty: federation.')
param targetCertificateName string = ''

@description('public: endpoints that anybody reaches and nobody enters without a token. private: private endpoints in a network of its own.')
param network 'public' | 'private' = 'public'

@description('Where Durable keeps its state: the Durable Task Scheduler, or Azure Storage; empty: the scheduler, with network=private storage.')
param durableBackend '' | 'scheduler' | 'storage' = ''

@description('Addresses that may reach the Durable Task Scheduler (CIDR).')
param schedulerIpAllowlist string[] = ['0.0.0.0/0']

@description('Address space of the network of a private deployment, /25 or wider.')
param addressPrefix string = '10.61.0.0/24'

param storageSku 'Standard_ZRS' | 'Standard_LRS' | 'Standard_GZRS' = 'Standard_ZRS'
param instanceMemoryMB 2048 | 4096 = 2048

@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@minValue(30)
@maxValue(730)
param logRetentionDays int = 90

@description('Origin at which agents and admins reach the service, if it isn\'t the app\'s own: https://…, without trailing slash.')
param publicUrl string = ''

@description('Settings of the service that differ from their defaults, by the names in the README.')
param settings object = {}

@description('A namespace for agents\' command queues, which nothing uses yet: agents ask over HTTPS.')
param withAgentQueues bool = false

@description('Who is mailed when an alert fires: addresses with commas between them; empty: nobody.')
param alertEmails string = ''

@description('Called when an alert fires, with the common alert schema; empty: nothing. Kept as a secret, for such an address often is one.')
@secure()
param alertWebhookUrl string = ''

param tags object = {}

var needs = loadJsonContent('needs.json')
var isPrivate = network == 'private'
var backend = isPrivate && durableBackend == 'scheduler'
  ? fail('network=private takes durableBackend=storage: no private endpoint is made for the Durable Task Scheduler.')
  : !empty(durableBackend) ? durableBackend : isPrivate ? 'storage' : 'scheduler'
var usesScheduler = backend == 'scheduler'

var token = uniqueString(subscription().id, resourceGroup().id, environmentName)
var name = '${environmentName}-${token}'
var target = needs.targetClouds[targetCloud]
var federates = empty(targetCertificateName)
var checkedExchange = federates && target.azureName != environment().name
  ? fail('A managed identity vouches within its own cloud only: give targetCertificateName for a target in another one.')
  : federates && toLower(targetTenantId) != toLower(tenant().tenantId)
      ? fail('A managed identity vouches within its own tenant only: give targetCertificateName for a target in another one.')
      : target.exchangeAudience

var checkedTargetClientId = empty(targetClientId)
  ? fail('targetClientId is empty: infra/scripts/register-apps.mjs makes the applications and tells their ids (azd: a hook of azure.yaml).')
  : targetClientId
var checkedAdminClientId = empty(adminClientId)
  ? fail('adminClientId is empty: infra/scripts/register-apps.mjs makes the applications and tells their ids (azd: a hook of azure.yaml).')
  : adminClientId

var roles = filter(needs.roles, own => own.backend == 'any' || own.backend == backend)
var deployed = 'packages'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${name}'
  location: location
  tags: tags
}

module monitoring 'modules/monitoring.bicep' = {
  params: {
    name: name
    location: location
    tags: tags
    retentionDays: logRetentionDays
    roles: filter(roles, own => own.scope == 'applicationInsights')
    principalId: identity.properties.principalId
  }
}

module hostStorage 'modules/storage.bicep' = {
  params: {
    name: 'sthost${token}'
    location: location
    tags: tags
    sku: storageSku
    isPrivate: isPrivate
    containers: [deployed]
    roles: filter(roles, own => own.scope == 'hostStorage')
    principalId: identity.properties.principalId
  }
}

module dataStorage 'modules/storage.bicep' = {
  params: {
    name: 'stdata${token}'
    location: location
    tags: tags
    sku: storageSku
    isPrivate: isPrivate
    isPrecious: true
    tables: needs.tables
    containers: map(needs.containers, own => own.name)
    roles: filter(roles, own => own.scope == 'dataStorage')
    principalId: identity.properties.principalId
  }
}

module taskHubStorage 'modules/storage.bicep' = if (!usesScheduler) {
  params: {
    name: 'sthub${token}'
    location: location
    tags: tags
    sku: storageSku
    isPrivate: isPrivate
    roles: filter(roles, own => own.scope == 'taskHubStorage')
    principalId: identity.properties.principalId
  }
}

module scheduler 'modules/scheduler.bicep' = if (usesScheduler) {
  params: {
    name: 'dts-${name}'
    location: location
    tags: tags
    taskHub: needs.taskHub
    ipAllowlist: schedulerIpAllowlist
    roles: filter(roles, own => own.scope == 'taskHub')
    principalId: identity.properties.principalId
  }
}

module serviceBus 'modules/service-bus.bicep' = {
  params: {
    name: 'sb-${name}'
    location: location
    tags: tags
    queues: needs.queues
    isPrivate: isPrivate
    roles: filter(roles, own => own.scope == 'doorbellQueue')
    principalId: identity.properties.principalId
  }
}

module agentQueues 'modules/agent-queues.bicep' = if (withAgentQueues) {
  params: {
    name: 'sb-agents-${token}'
    location: location
    tags: tags
  }
}

module keyVault 'modules/key-vault.bicep' = {
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    isPrivate: isPrivate
    workspaceId: monitoring.outputs.workspaceId
    roles: filter(roles, own => own.scope == 'keyVault')
    principalId: identity.properties.principalId
  }
}

module alerts 'modules/alerts.bicep' = {
  params: {
    name: name
    location: location
    tags: tags
    alerts: needs.alerts
    workspaceId: monitoring.outputs.workspaceId
    serviceBusId: serviceBus.outputs.id
    emails: alertEmails
    webhookUrl: alertWebhookUrl
  }
}

module insight 'modules/insight.bicep' = {
  params: {
    name: name
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module privateNetwork 'modules/network.bicep' = if (isPrivate) {
  params: {
    name: 'vnet-${name}'
    location: location
    tags: tags
    addressPrefix: addressPrefix
  }
}

var endpoints = [
  { name: 'host-blob', of: 'host', group: 'blob' }
  { name: 'host-queue', of: 'host', group: 'queue' }
  { name: 'host-table', of: 'host', group: 'table' }
  { name: 'hub-blob', of: 'hub', group: 'blob' }
  { name: 'hub-queue', of: 'hub', group: 'queue' }
  { name: 'hub-table', of: 'hub', group: 'table' }
  { name: 'data-blob', of: 'data', group: 'blob' }
  { name: 'data-table', of: 'data', group: 'table' }
  { name: 'bus', of: 'bus', group: 'namespace' }
  { name: 'vault', of: 'vault', group: 'vault' }
]

module privateEndpoints 'modules/private-endpoint.bicep' = [
  for own in endpoints: if (isPrivate) {
    params: {
      name: own.name
      location: location
      tags: tags
      subnetId: privateNetwork!.outputs.endpointSubnetId
      group: own.group
      zoneId: privateNetwork!.outputs.zoneIds[own.group]
      resourceId: {
        host: hostStorage.outputs.id
        hub: taskHubStorage!.outputs.id
        data: dataStorage.outputs.id
        bus: serviceBus.outputs.id
        vault: keyVault.outputs.id
      }[own.of]
    }
  }
]

module app 'modules/function-app.bicep' = {
  params: {
    name: 'func-${name}'
    location: location
    tags: tags
    identityId: identity.id
    packages: '${hostStorage.outputs.blob}${deployed}'
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    subnetId: isPrivate ? privateNetwork!.outputs.appSubnetId : ''
  }
  dependsOn: [privateEndpoints]
}

module appSettings 'modules/app-settings.bicep' = {
  params: {
    appName: app.outputs.name
    insightsName: monitoring.outputs.insightsName
    settings: filter(needs.settings, own => own.backend == 'any' || own.backend == backend)
    more: settings
    values: {
      publicUrl: empty(publicUrl) ? 'https://${app.outputs.hostName}' : publicUrl
      identityClientId: identity.properties.clientId
      dataAccount: dataStorage.outputs.name
      storageSuffix: environment().suffixes.storage
      doorbellNamespace: serviceBus.outputs.hostName
      keyVaultUrl: keyVault.outputs.url
      targetTenantId: targetTenantId
      targetClientId: checkedTargetClientId
      targetCertificate: federates
        ? ''
        : '@Microsoft.KeyVault(SecretUri=${keyVault.outputs.url}secrets/${targetCertificateName})'
      targetExchangeAudience: checkedExchange
      targetGraphUrl: target.graphUrl
      targetAuthorityUrl: target.authorityUrl
      adminClientId: checkedAdminClientId
      adminTenantId: adminTenantId
      hostStorageBlob: hostStorage.outputs.blob
      hostStorageQueue: hostStorage.outputs.queue
      hostStorageTable: hostStorage.outputs.table
      taskHubStorageBlob: usesScheduler ? '' : taskHubStorage!.outputs.blob
      taskHubStorageQueue: usesScheduler ? '' : taskHubStorage!.outputs.queue
      taskHubStorageTable: usesScheduler ? '' : taskHubStorage!.outputs.table
      schedulerConnection: usesScheduler
        ? 'Endpoint=${scheduler!.outputs.endpoint};Authentication=ManagedIdentity;ClientID=${identity.properties.clientId}'
        : ''
      insightsAuthentication: 'Authorization=AAD;ClientId=${identity.properties.clientId}'
    }
  }
}

output serviceUrl string = empty(publicUrl) ? 'https://${app.outputs.hostName}' : publicUrl
output functionAppName string = app.outputs.name
output identityClientId string = identity.properties.clientId
output identityPrincipalId string = identity.properties.principalId
output identityTenantId string = tenant().tenantId
output keyVaultName string = keyVault.outputs.name
output dataAccountName string = dataStorage.outputs.name
output durableBackend string = backend
