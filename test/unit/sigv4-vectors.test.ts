import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { parseSignature } from '../../protocol/sigv4/parse.ts'
import { type SignedRequest, scopeOf } from '../../protocol/sigv4/signature.ts'
import { SigningKeys, stringToSign } from '../../protocol/sigv4/signing-key.ts'
import { canonicalRequest, verifySignature } from '../../protocol/sigv4/verify.ts'
import { request } from './sigv4-request.ts'

const folder = join(process.env['MOCKFACTORY_VECTORS'] ?? resolve('..', 'shared', 'vectors'), 'sigv4')
const skip = existsSync(folder) ? false : `no vectors at ${folder}: set MOCKFACTORY_VECTORS to their folder`

interface Context {
  readonly credentials: { readonly access_key_id: string; readonly secret_access_key: string }
  readonly normalize: boolean
  readonly omit_session_token?: boolean
  readonly region: string
  readonly service: string
  readonly timestamp: string
}

t.test('AWS suite: every case, both forms → accepted, with its strings', { skip }, async t => {
  const cases = readdirSync(folder).sort()
  t.ok(cases.length >= 38, `${cases.length} cases`)
  for (const name of cases)
    for (const form of ['header', 'query'] as const) t.test(`${name}: ${form} form`, async t => check(t, name, form))
})

function check(t: Test, name: string, form: 'header' | 'query'): void {
  const read = (file: string) => readFileSync(join(folder, name, file), 'utf8')
  const context = JSON.parse(read('context.json')) as Context
  const { request: signed, body } = readRequest(read(`${form}-signed-request.txt`), context)
  const nowMs = Date.parse(context.timestamp)
  const signature = parseSignature(signed, { nowMs, service: context.service, region: context.region })
  if (signature === undefined || signature instanceof Fault) {
    t.fail('not parsed', { signature })
    return
  }
  const key = new SigningKeys(8).get(
    context.credentials.secret_access_key,
    signature.date,
    signature.region,
    signature.service,
  )
  const payloadHash = createHash('sha256').update(body).digest('hex')
  const verification = { key, payloadHash, normalizePath: context.normalize }
  const canonical = canonicalRequest(signature, signed, verification)
  t.equal(canonical, read(`${form}-canonical-request.txt`))
  const requestHash = createHash('sha256').update(canonical).digest('hex')
  t.equal(stringToSign(signature.amzDate, scopeOf(signature), requestHash), read(`${form}-string-to-sign.txt`))
  t.equal(signature.accessKeyId, context.credentials.access_key_id)
  t.equal(signature.signature, read(`${form}-signature.txt`))
  t.equal(verifySignature(signature, signed, verification), undefined)
  const altered = { ...signature, signature: signature.signature.replace(/.$/, last => (last === '0' ? '1' : '0')) }
  t.match(verifySignature(altered, signed, verification), { code: 'signature-mismatch' })
}

/** The suite writes LF for CRLF and leaves raw spaces and UTF-8 in targets. */
function readRequest(text: string, context: Context): { request: SignedRequest; body: string } {
  const blank = text.indexOf('\n\n')
  const [line, ...rest] = text.slice(0, blank).split('\n')
  const headers: [string, string][] = []
  for (const header of rest) {
    const colon = header.indexOf(':')
    if (header.startsWith(' ')) headers.at(-1)![1] += `\n${header}`
    else headers.push([header.slice(0, colon), header.slice(colon + 1)])
  }
  const [method, ...target] = line!.replace(/ HTTP\/1\.1$/, '').split(' ')
  // `omit_session_token`: the signer added the token after signing, so the service takes it off before it verifies.
  const query = context.omit_session_token === true ? /&X-Amz-Security-Token=[^&]*/ : /$^/
  return { request: request(method!, target.join(' ').replace(query, ''), headers), body: text.slice(blank + 2) }
}
