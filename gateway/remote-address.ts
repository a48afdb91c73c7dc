import type { HttpResponse } from 'uWebSockets.js'

/** The peer's address as text; IPv4 addresses mapped into IPv6 in their own form. */
export function remoteAddress(response: HttpResponse): string {
  const text = Buffer.from(response.getRemoteAddressAsText()).toString()
  const mapped = /^0000:0000:0000:0000:0000:ffff:([0-9a-f]{2})([0-9a-f]{2}):([0-9a-f]{2})([0-9a-f]{2})$/.exec(text)
  return mapped === null
    ? text
    : mapped
        .slice(1)
        .map(byte => Number.parseInt(byte, 16))
        .join('.')
}
