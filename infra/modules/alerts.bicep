// A rule for every alert of the table of needs, and whom they tell. A query has a row only when there is something to tell
// (shared/needs/alert-queries.ts), so a rule counts rows and nothing else.

param name string
param location string
param tags object

@description('As infra/needs.json has them: name, meaning, runbook, severity (0 to 4), windowMinutes, everyMinutes, source, query (none: a metric of Service Bus).')
param alerts array

param workspaceId string
param serviceBusId string

@description('Addresses with commas between them; empty: nobody.')
param emails string

@description('Empty: nothing is called.')
@secure()
param webhookUrl string

var addresses = empty(emails) ? [] : map(split(emails, ','), own => trim(own))
var byQuery = filter(alerts, own => contains(own, 'query'))
var deadLetters = filter(alerts, own => own.source.kind == 'dead-letters')

resource told 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'uplink'
    enabled: true
    emailReceivers: [
      for (address, at) in addresses: {
        name: 'mail-${at}'
        emailAddress: address
        useCommonAlertSchema: true
      }
    ]
    webhookReceivers: empty(webhookUrl) ? [] : [{ name: 'webhook', serviceUri: webhookUrl, useCommonAlertSchema: true }]
  }
}

resource rule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for own in byQuery: {
    name: 'alert-${name}-${own.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Directory Uplink: ${own.name}'
      description: '${own.meaning}. What to do: docs/runbook.md#${own.runbook}'
      severity: own.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: 'PT${own.everyMinutes}M'
      windowSize: 'PT${own.windowMinutes}M'
      criteria: {
        allOf: [
          {
            query: own.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      autoMitigate: true
      // The tables of a workspace are there only after the first line.
      skipQueryValidation: true
      actions: { actionGroups: [told.id] }
    }
  }
]

resource busRule 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for own in deadLetters: {
    name: 'alert-${name}-${own.name}'
    location: 'global'
    tags: tags
    properties: {
      description: '${own.meaning}. What to do: docs/runbook.md#${own.runbook}'
      severity: own.severity
      enabled: true
      scopes: [serviceBusId]
      evaluationFrequency: 'PT${own.everyMinutes}M'
      windowSize: 'PT${own.windowMinutes}M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            name: 'dead-letters'
            criterionType: 'StaticThresholdCriterion'
            metricNamespace: 'Microsoft.ServiceBus/namespaces'
            metricName: 'DeadletteredMessages'
            timeAggregation: 'Maximum'
            operator: 'GreaterThan'
            threshold: own.above
          }
        ]
      }
      autoMitigate: true
      actions: [{ actionGroupId: told.id }]
    }
  }
]
