/**
 * RenameObject: another key for an object, at once and without moving its bytes. S3 has it in directory buckets only.
 * Sources: S3 API Reference, RenameObject; User Guide, "Renaming objects in directory buckets".
 */
import { createHash } from 'node:crypto'
import { type Fault, fault } from '../fault.ts'
import { Level, operation, type Reply, type WireRequest } from '../operation.ts'
import { decodePercent } from '../query.ts'
import { bucketFaults } from './bucket.ts'
import { type Conditions, fourConditions, parseReadConditions, refuseValue } from './conditions.ts'
import { checkKey } from './names.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'

export interface RenameInput {
  readonly bucket: string
  /** The new one. */
  readonly key: string
  readonly sourceKey: string
  readonly conditions: Conditions
  readonly sourceConditions: Conditions
  /** The client's word for this request, and a digest of what it asks for; undefined without one. */
  readonly token: { readonly text: string; readonly digest: string } | undefined
}

const sourceHeader = 'x-amz-rename-source'
const tokenHeader = 'x-amz-client-token'
const conditionHeaders = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'] as const

type RenameFault = ArgumentFault | Fault<'key-too-long'> | Fault<'request-invalid'> | Fault<'header-refused'>

function parseRename(request: WireRequest): RenameInput | RenameFault {
  const { bucket, key } = request
  // "The value must be URL encoded": here a '+' is a plus, for it is a key and nothing before it.
  const sourceKey = decodePercent(request.header(sourceHeader))
  if (sourceKey === undefined || sourceKey === '' || sourceKey.includes('\0'))
    return argumentInvalid(sourceHeader, 'Invalid rename source object key', request.header(sourceHeader))
  const tooLong = checkKey(key) ?? checkKey(sourceKey)
  if (tooLong !== undefined) return tooLong
  // "Will not succeed on objects that end with the slash (/) delimiter character".
  if (key.endsWith('/') || sourceKey.endsWith('/'))
    return fault('request-invalid', { message: 'Objects whose key ends with a slash cannot be renamed.' })
  const conditions = parseReadConditions(request)
  if (conditions.ifNoneMatch !== undefined && conditions.ifNoneMatch.join() !== '*') return refuseValue('If-None-Match')
  const token = request.header(tokenHeader)
  // "A unique string with a max of 64 ASCII characters in the ASCII range of 33 - 126."
  if (token !== '' && !/^[!-~]{1,64}$/.test(token))
    return argumentInvalid(tokenHeader, 'The client token is not valid', token)
  const [match, noneMatch, modified, unmodified] = conditionHeaders.map(name =>
    request.header(`${sourceHeader}-${name}`),
  )
  return {
    bucket,
    key,
    sourceKey,
    conditions,
    sourceConditions: fourConditions(match!, noneMatch!, modified!, unmodified!),
    token: token === '' ? undefined : { text: token, digest: digestOf(request, sourceKey) },
  }
}

function digestOf(request: WireRequest, sourceKey: string): string {
  const parameters = conditionHeaders.flatMap(name => [request.header(name), request.header(`${sourceHeader}-${name}`)])
  const text = JSON.stringify([request.key, sourceKey, ...parameters])
  return createHash('sha256').update(text).digest('hex')
}

const renamed: Reply = Object.freeze({ status: 200, headers: [], body: null })

export const renameObject = operation({
  name: 'RenameObject',
  match: { method: 'PUT', level: Level.object, selector: 'renameObject' },
  access: 'write',
  body: 'none',
  refuses: [],
  parse: parseRename,
  render: (_: undefined): Reply => renamed,
  faults: [
    ...bucketFaults,
    'argument-invalid',
    'request-invalid',
    'header-refused',
    'key-too-long',
    'object-missing',
    'version-missing',
    'method-not-allowed',
    'precondition-failed',
    'client-token-reused',
    'not-implemented',
  ],
})
