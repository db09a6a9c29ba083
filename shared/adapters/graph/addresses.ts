/** Where objects are: paths of requests, and the addresses by which one object points to another. */

export function objectUrl(action: { readonly type: string; readonly id: string }): string {
  return `/${action.type}s/${encodeURIComponent(action.id)}`;
}

/** Of a user or group that was deleted and can be restored. */
export function deletedItemUrl(id: string): string {
  return `/directory/deletedItems/${encodeURIComponent(id)}`;
}

export function namedGroupUrl(uniqueName: string): string {
  return `/groups(uniqueName='${encodeURIComponent(uniqueName.replaceAll("'", "''"))}')`;
}

export function memberAddress(baseUrl: string, id: string): string {
  return `${baseUrl}/directoryObjects/${encodeURIComponent(id)}`;
}

export function userAddress(baseUrl: string, id: string): string {
  return `${baseUrl}/users/${encodeURIComponent(id)}`;
}
