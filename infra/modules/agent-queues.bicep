// A namespace of its own for queues that agents would take commands from, each by a signature made with its own queue's key: the one
// place where keys are allowed, which is why nothing else lies here. Agents ask over HTTPS today (long poll), so nothing is made
// unless the parameter says so, and nothing uses it yet.

param name string
param location string
param tags object

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Standard' }
  properties: {
    disableLocalAuth: false
    minimumTlsVersion: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}
