// The network of a private deployment: a subnet that the functions app goes out by, one for private endpoints, and the names by which
// these are found.

param name string
param location string
param tags object
param addressPrefix string

// What Azure's clouds call their services privately can't be made from the public names in all cases.
var zonesOf = {
  AzureCloud: { bus: 'privatelink.servicebus.windows.net', vault: 'privatelink.vaultcore.azure.net' }
  AzureUSGovernment: {
    bus: 'privatelink.servicebus.usgovcloudapi.net'
    vault: 'privatelink.vaultcore.usgovcloudapi.net'
  }
  AzureChinaCloud: { bus: 'privatelink.servicebus.chinacloudapi.cn', vault: 'privatelink.vaultcore.azure.cn' }
}
var own = zonesOf[environment().name]
var storageSuffix = environment().suffixes.storage
var zoneNames = [
  'privatelink.blob.${storageSuffix}'
  'privatelink.queue.${storageSuffix}'
  'privatelink.table.${storageSuffix}'
  own.bus
  own.vault
]

resource network 'Microsoft.Network/virtualNetworks@2024-10-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 0)
          // Flex Consumption runs in such environments.
          delegations: [{ name: 'app', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 1)
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }

  resource app 'subnets' existing = {
    name: 'app'
  }

  resource endpoints 'subnets' existing = {
    name: 'endpoints'
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zoneName in zoneNames: {
    name: zoneName
    location: 'global'
    tags: tags
  }
]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zoneName, at) in zoneNames: {
    parent: zone[at]
    name: 'uplink'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: network.id }
    }
  }
]

output appSubnetId string = network::app.id
output endpointSubnetId string = network::endpoints.id
@description('By the group of the private endpoint.')
output zoneIds { blob: string, queue: string, table: string, namespace: string, vault: string } = {
  blob: zone[0].id
  queue: zone[1].id
  table: zone[2].id
  namespace: zone[3].id
  vault: zone[4].id
}
