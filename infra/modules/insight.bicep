// What operators ask: the queries of infra/queries as a query pack, and the same ones on one page, a workbook. Each stands once, in its file.

param name string
param location string
param tags object
param workspaceId string

var questions = [
  { title: 'Is everything in sync?', shown: 'table', body: loadTextContent('../queries/in-sync.kql') }
  { title: 'How far behind is each job?', shown: 'timechart', body: loadTextContent('../queries/behind.kql') }
  { title: 'Which agents are silent?', shown: 'table', body: loadTextContent('../queries/silent-agents.kql') }
  { title: 'What fails most?', shown: 'table', body: loadTextContent('../queries/failures.kql') }
  {
    title: 'What was deleted since yesterday, and why?'
    shown: 'table'
    body: loadTextContent('../queries/removed.kql')
  }
  { title: 'Who changed what?', shown: 'table', body: loadTextContent('../queries/changed-by.kql') }
  { title: 'How much of the quota is used?', shown: 'timechart', body: loadTextContent('../queries/quota.kql') }
  { title: 'How long do cycles take?', shown: 'table', body: loadTextContent('../queries/cycles.kql') }
  { title: 'What do replays cost?', shown: 'table', body: loadTextContent('../queries/replay.kql') }
  { title: 'What happened to this object?', shown: 'table', body: loadTextContent('../queries/anchor.kql') }
]

resource pack 'Microsoft.OperationalInsights/queryPacks@2019-09-01' = {
  name: 'qp-${name}'
  location: location
  tags: tags
  properties: {}
}

resource query 'Microsoft.OperationalInsights/queryPacks/queries@2019-09-01' = [
  for own in questions: {
    parent: pack
    name: guid(pack.id, own.title)
    properties: {
      displayName: own.title
      body: own.body
      related: { resourceTypes: ['microsoft.operationalinsights/workspaces'] }
    }
  }
]

// The one question that needs a word of whoever asks. A workbook puts what is typed in place of {Anchor}; the pack keeps the zeros.
var nobody = '00000000-0000-0000-0000-000000000000'
var asked = {
  type: 9
  name: 'parameters'
  content: {
    version: 'KqlParameterItem/1.0'
    style: 'pills'
    queryType: 0
    resourceType: 'microsoft.operationalinsights/workspaces'
    parameters: [
      {
        id: guid(workspaceId, 'anchor')
        version: 'KqlParameterItem/1.0'
        name: 'Anchor'
        label: 'objectGUID'
        type: 1
        isRequired: false
        value: nobody
      }
    ]
  }
}

var items = [
  for own in questions: {
    type: 3
    name: own.title
    content: {
      version: 'KqlItem/1.0'
      title: own.title
      query: replace(own.body, nobody, '{Anchor}')
      queryType: 0
      resourceType: 'microsoft.operationalinsights/workspaces'
      visualization: own.shown
      size: 1
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(workspaceId, 'directory-uplink')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Directory Uplink (${name})'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: string({ version: 'Notebook/1.0', items: concat([asked], items), fallbackResourceIds: [workspaceId] })
  }
}
