// From an empty subscription: makes the resource group and everything in it. Deployed by `azd up`, or by `az deployment sub create`.

targetScope = 'subscription'

@description('Names the deployment: lower-case letters, digits and hyphens.')
@minLength(2)
@maxLength(20)
param environmentName string

param location string

@description('Empty: rg-<environmentName>.')
param resourceGroupName string = ''

@description('Tenant that objects are exported to; empty: that of the subscription.')
param targetTenantId string = ''

// Not required here: azd would ask for them before its hook has made the applications. uplink.bicep refuses to go on without.
@description('Application that writes to the target tenant (infra/scripts/register-apps.mjs makes it).')
param targetClientId string = ''

@description('The admin API\'s application, for which tokens are issued (the same script makes it).')
param adminClientId string = ''

@description('Tenant that admins sign in to; empty: the target tenant.')
param adminTenantId string = ''

param targetCloud 'public' | 'usgov' | 'china' = 'public'

@description('Name of the target application\'s certificate in the key vault, for a target in another cloud; empty: federation.')
param targetCertificateName string = ''

@description('public: endpoints that anybody reaches and nobody enters without a token. private: private endpoints in a network of its own.')
param network 'public' | 'private' = 'public'

@description('Where Durable keeps its state: the Durable Task Scheduler, or Azure Storage; empty: the scheduler, with network=private storage. The package must be made for the same one.')
param durableBackend '' | 'scheduler' | 'storage' = ''

param schedulerIpAllowlist string[] = ['0.0.0.0/0']
param addressPrefix string = '10.61.0.0/24'
param storageSku 'Standard_ZRS' | 'Standard_LRS' | 'Standard_GZRS' = 'Standard_ZRS'
param instanceMemoryMB 2048 | 4096 = 2048

@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@minValue(30)
@maxValue(730)
param logRetentionDays int = 90

param publicUrl string = ''
param settings object = {}
param withAgentQueues bool = false

@description('Who is mailed when an alert fires: addresses with commas between them; empty: nobody.')
param alertEmails string = ''

@description('Called when an alert fires, with the common alert schema; empty: nothing.')
@secure()
param alertWebhookUrl string = ''

var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: empty(resourceGroupName) ? 'rg-${environmentName}' : resourceGroupName
  location: location
  tags: tags
}

module uplink 'uplink.bicep' = {
  scope: group
  params: {
    environmentName: environmentName
    location: location
    targetTenantId: empty(targetTenantId) ? tenant().tenantId : targetTenantId
    targetClientId: targetClientId
    adminClientId: adminClientId
    adminTenantId: adminTenantId
    targetCloud: targetCloud
    targetCertificateName: targetCertificateName
    network: network
    durableBackend: durableBackend
    schedulerIpAllowlist: schedulerIpAllowlist
    addressPrefix: addressPrefix
    storageSku: storageSku
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    logRetentionDays: logRetentionDays
    publicUrl: publicUrl
    settings: settings
    withAgentQueues: withAgentQueues
    alertEmails: alertEmails
    alertWebhookUrl: alertWebhookUrl
    tags: tags
  }
}

// The subscription's: azd has it in no environment of its own accord, and the hook after this one takes it.
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output UPLINK_SERVICE_URL string = uplink.outputs.serviceUrl
output UPLINK_FUNCTION_APP string = uplink.outputs.functionAppName
output UPLINK_IDENTITY_CLIENT_ID string = uplink.outputs.identityClientId
output UPLINK_IDENTITY_PRINCIPAL_ID string = uplink.outputs.identityPrincipalId
output UPLINK_IDENTITY_TENANT_ID string = uplink.outputs.identityTenantId
output UPLINK_KEY_VAULT string = uplink.outputs.keyVaultName
output UPLINK_DATA_ACCOUNT string = uplink.outputs.dataAccountName
output UPLINK_DURABLE_BACKEND string = uplink.outputs.durableBackend
