// The app's settings, by the table of needs: each fixed, or a value that the caller has under the setting's own key.

param appName string

@description('The Application Insights resource: its address is read here, so that no output holds it.')
param insightsName string

param settings { name: string, meaning: string, from: string, value: string, backend: string }[]

@description('What the infrastructure made and what its parameters say, by the keys of the table of needs.')
@secure()
param values object

@description('Settings of the service beside those: thresholds, intervals. Names as in the README.')
param more object

// Not among the values: a lambda can't look at resources.
var ofInsights = 'insightsConnection'
var given = filter(settings, own => own.from == 'fixed' || (own.value != ofInsights && !empty(values[own.value])))

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: appName

  resource config 'config' = {
    name: 'appsettings'
    properties: union(
      toObject(given, own => own.name, own => own.from == 'fixed' ? own.value : string(values[own.value])),
      { '${filter(settings, own => own.value == ofInsights)[0].name}': insights.properties.ConnectionString },
      more
    )
  }
}
