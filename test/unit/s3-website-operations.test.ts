/** The website's own table, and the key that a request names before anything is verified. */
import t from 'tap'
import { Fault, fault } from '../../protocol/fault.ts'
import { type AnyOperation, compile, Level, type WireRequest } from '../../protocol/operation.ts'
import { claimedAccessKey } from '../../protocol/s3/claimed-key.ts'
import { type FaultContext, s3Errors } from '../../protocol/s3/faults.ts'
import type { ReadInput, ReadOutput } from '../../protocol/s3/object-read.ts'
import { type Page, websiteOperations } from '../../protocol/s3/website-operations.ts'
import { headersOf, noBody } from './s3-reply.ts'
import { wireRequest } from './wire-request.ts'

const rows: readonly AnyOperation[] = websiteOperations
const routes = compile(rows, Object.fromEntries(rows.map(row => [row.name, () => undefined])) as never)
/** As the gateway addresses a website: every path is an object's. */
const asPage = (line: string, headers?: Record<string, string>): WireRequest => ({
  ...wireRequest(line, headers),
  level: Level.object,
})
const [getPage, headPage] = websiteOperations

t.test('websiteOperations: GET and HEAD → found whatever the query says; nothing else', async t => {
  for (const query of ['', '?acl', '?uploads', '?uploadId=1', '?tagging&versionId=x']) {
    t.equal(routes.find(asPage(`GET /b/k${query}`))?.operation.name, 'GetObject', query)
    t.equal(routes.find(asPage(`HEAD /b${query}`))?.operation.name, 'HeadObject', query)
    for (const method of ['PUT', 'POST', 'DELETE']) t.equal(routes.find(asPage(`${method} /b/k${query}`)), undefined)
  }
  for (const row of rows) for (const code of row.faults) t.ok(code in s3Errors, code)
})

t.test('parse: headers count, the query is only kept', async t => {
  const query = 'versionId=bad&partNumber=0&response-content-type=x%0A'
  const page = getPage.parse(asPage(`GET /b/k?${query}`, { range: 'bytes=1-2', 'if-none-match': '"e"' }), noBody)
  if (page instanceof Fault || 'code' in page) throw new Error('refused')
  t.equal(page.rawQuery, query)
  t.match(page.read, { bucket: 'b', key: 'k', rangeText: 'bytes=1-2', conditions: { ifNoneMatch: ['e'] } })
  t.same([page.read.version, page.read.partNumber, page.read.overrides], [undefined, undefined, undefined])
  t.match(getPage.parse(asPage(`GET /b/${'k'.repeat(1025)}`), noBody), { code: 'key-too-long' })
})

const read: ReadOutput = {
  object: {
    headers: { 'content-type': 'text/html' },
    metadata: {},
    storageClass: 'STANDARD',
    sizeBytes: 4,
    etag: 'e',
    modifiedAtMs: 0,
    parts: 0,
    checksumType: undefined,
    checksums: {},
  },
  input: { overrides: undefined, withChecksums: false } as ReadInput,
  span: undefined,
  partChecksums: undefined,
  body: Buffer.from('lost'),
}
const about: FaultContext = { method: 'GET', resource: '/k', requestId: 'ID', hostId: 'HOST', bucket: 'b', key: 'k' }
const why = fault('object-missing', { bucket: 'b', key: 'k' })

t.test('render: an error document → its bytes under the status of the error, which the headers tell', async t => {
  const reply = getPage.render({ kind: 'error-document', read, why, about })
  t.same([reply.status, reply.body], [404, read.body])
  t.match(headersOf(reply.headers), {
    'Content-Type': 'text/html',
    'x-amz-error-code': 'NoSuchKey',
    'x-amz-error-detail-Key': 'k',
  })
})

t.test('render: object, redirect, folder, page → each as it is answered', async t => {
  const redirect = { kind: 'redirect', status: 301, location: '/x' } as const
  const documentFault = fault('object-missing', { bucket: 'b', key: 'error.html' })
  for (const [page, status, text] of [
    [{ kind: 'object', read }, 200, 'lost'],
    [redirect, 301, null],
    [{ kind: 'folder', redirect: { ...redirect, status: 302 }, about }, 302, '302 Found'],
    [{ kind: 'error-page', why, documentFault, about }, 404, 'Key: error.html'],
  ] as readonly (readonly [Page, number, string | null])[]) {
    const reply = getPage.render(page)
    t.equal(reply.status, status, page.kind)
    if (text === null) t.equal(reply.body, null)
    else t.match(String(reply.body), text)
  }
  const head = headPage.render({ kind: 'object', read })
  t.same([head.body, headersOf(head.headers)['Content-Length']], [null, '4'])
})

t.test('claimedAccessKey: header or query of either version → the key; nothing, or nonsense → none', async t => {
  const scope = '20260101/us-east-1/s3/aws4_request'
  for (const [line, authorization, key] of [
    ['GET /b/k', '', ''],
    ['GET /b/k', `AWS4-HMAC-SHA256 Credential=AKID/${scope}, SignedHeaders=host, Signature=0`, 'AKID'],
    ['GET /b/k', `AWS4-HMAC-SHA256 SignedHeaders=host,Credential=AKID/${scope},Signature=0`, 'AKID'],
    ['GET /b/k', 'AWS AKID:c2ln', 'AKID'],
    ['GET /b/k', 'AWS AKID', ''],
    ['GET /b/k', 'Bearer token', ''],
    ['GET /b/k?AWSAccessKeyId=other', 'Bearer token', ''],
    ['GET /b/k?X-Amz-Credential=', '', ''],
    [`GET /b/k?X-Amz-Credential=AKID%2F${scope}`, '', 'AKID'],
    ['GET /b/k?AWSAccessKeyId=AKID&Signature=x', '', 'AKID'],
    ['GET /b/k?versionId=null', '', ''],
  ] as const)
    t.equal(claimedAccessKey(wireRequest(line, authorization === '' ? {} : { authorization })), key, line)
})
