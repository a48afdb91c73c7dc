/**
 * The documents of buckets: parsers answer a configuration or a fault for anything, and what they read is written so
 * that it reads back the same; what is decided from a configuration keeps its promises for any request and versions.
 */
import fc from 'fast-check'
import t from 'tap'
import { dueActions, expirationOf, type LifecycleVersion } from '../../gateway/rules/lifecycle.ts'
import { Fault } from '../../protocol/fault.ts'
import { claimedAccessKey } from '../../protocol/s3/claimed-key.ts'
import { type CorsConfiguration, corsMethods, parseCors, renderCors } from '../../protocol/s3/cors.ts'
import { answerPreflight, corsHeadersOf } from '../../protocol/s3/cors-match.ts'
import { msPerDay } from '../../protocol/s3/due-date.ts'
import { expirationHeader, parseLifecycle, renderLifecycle } from '../../protocol/s3/lifecycle.ts'
import { type LifecycleConfiguration, transitionClasses } from '../../protocol/s3/lifecycle-rule.ts'
import { parseRestore } from '../../protocol/s3/restore.ts'
import { parseWebsite, renderWebsite, type WebsiteConfiguration } from '../../protocol/s3/website.ts'
import { websiteBucketOfHost, websiteHostElsewhere } from '../../protocol/s3/website-host.ts'
import { renderWebsiteFault } from '../../protocol/s3/website-page.ts'
import { redirectOfObject, redirectToFolder, route, routeError } from '../../protocol/s3/website-route.ts'
import { wireRequest } from '../unit/wire-request.ts'

const idFor = (index: number) => `new-${index}`
const parsers: Readonly<Record<string, (body: Uint8Array) => unknown>> = {
  parseCors,
  parseWebsite,
  parseRestore,
  parseLifecycle: body => parseLifecycle(body, '', idFor),
}
const names =
  'CORSConfiguration CORSRule ID AllowedOrigin AllowedMethod AllowedHeader ExposeHeader MaxAgeSeconds ' +
  'WebsiteConfiguration RedirectAllRequestsTo HostName Protocol IndexDocument Suffix ErrorDocument Key RoutingRules ' +
  'RoutingRule Condition KeyPrefixEquals HttpErrorCodeReturnedEquals Redirect ReplaceKeyWith ReplaceKeyPrefixWith ' +
  'HttpRedirectCode LifecycleConfiguration Rule Filter And Prefix Tag Value ObjectSizeGreaterThan ObjectSizeLessThan ' +
  'Status Expiration Days Date ExpiredObjectDeleteMarker Transition StorageClass NoncurrentVersionExpiration ' +
  'NoncurrentDays NewerNoncurrentVersions NoncurrentVersionTransition AbortIncompleteMultipartUpload ' +
  'DaysAfterInitiation RestoreRequest GlacierJobParameters Tier Type Description __proto__ constructor'
const values = fc.oneof(
  fc.constantFrom(
    '',
    '*',
    'GET',
    '1',
    '30',
    '-1',
    '1e9',
    '99999999999',
    'Enabled',
    'true',
    '2026-01-01',
    'GLACIER',
    'http',
  ),
  fc.string({ maxLength: 12 }).map(text => text.replace(/[<>&]/g, '')),
)
const { tree } = fc.letrec<{ tree: string }>(tie => ({
  tree: fc
    .tuple(
      fc.constantFrom(...names.split(' ')),
      fc.oneof(
        { maxDepth: 4 },
        values,
        fc.array(tie('tree'), { maxLength: 4 }).map(children => children.join('')),
      ),
    )
    .map(([name, content]) => `<${name}>${content}</${name}>`),
}))

for (const [name, parse] of Object.entries(parsers))
  t.test(`${name}: any tree of known elements, any bytes → a value or a fault, never a throw`, async t => {
    fc.assert(
      fc.property(
        fc.oneof(
          tree.map(text => Buffer.from(text)),
          fc.uint8Array({ maxLength: 100 }),
        ),
        body => {
          const result = parse(body)
          if (typeof result !== 'object' || result === null) throw new Error(String(result))
        },
      ),
      { numRuns: 3000 },
    )
    t.pass()
  })

const text = fc.string({ maxLength: 20, unit: 'grapheme' }).map(raw => raw.replace(/[\u0000-\u001f\ufffe\uffff]/g, ''))
const token = fc.stringMatching(/^[a-z-]{1,8}$/)
const optional = <Name extends string, T>(name: Name, value: fc.Arbitrary<T>) =>
  fc.option(value, { nil: undefined }).map(one => (one === undefined ? {} : { [name]: one }) as { [N in Name]?: T })
const merged = <T>(...parts: readonly fc.Arbitrary<object>[]): fc.Arbitrary<T> =>
  fc.tuple(...parts).map(all => Object.assign({}, ...all) as T)

const cors: fc.Arbitrary<CorsConfiguration> = fc.record({
  rules: fc.array(
    merged<CorsConfiguration['rules'][number]>(
      fc.record({
        allowedOrigins: fc.array(
          fc
            .tuple(
              token,
              fc.constantFrom('', '*'),
              text.map(x => x.replaceAll('*', '')),
            )
            .map(parts => parts.join('')),
          { minLength: 1, maxLength: 3 },
        ),
        allowedMethods: fc.uniqueArray(fc.constantFrom(...corsMethods), { minLength: 1, maxLength: 3 }),
        allowedHeaders: fc.array(
          fc.oneof(
            fc.constant('*'),
            token,
            token.map(name => `${name}*`),
          ),
          { maxLength: 3 },
        ),
        exposeHeaders: fc.array(token, { maxLength: 3 }),
      }),
      optional('id', text),
      optional('maxAgeSeconds', fc.nat()),
    ),
    { minLength: 1, maxLength: 5 },
  ),
})

t.test('renderCors: any configuration → reads back the same', async () => {
  fc.assert(
    fc.property(cors, configuration => {
      t.same(parseCors(Buffer.from(renderCors(configuration))), configuration)
    }),
    { numRuns: 500 },
  )
})

t.test(
  'cross-origin answers: any request → only allowed origins, no line breaks, preflight and request agree',
  async t => {
    const origin = fc.oneof(token, text)
    fc.assert(
      fc.property(
        cors,
        origin,
        fc.constantFrom(...corsMethods),
        fc.array(token, { maxLength: 2 }),
        (rules, origin, method, asked) => {
          const headers = {
            origin,
            'access-control-request-method': method,
            'access-control-request-headers': asked.join(','),
          }
          const actual = corsHeadersOf(wireRequest('GET /b/k', headers), rules)
          const preflight = answerPreflight(wireRequest('OPTIONS /b/k', headers), rules)
          if (origin === '') return actual.length === 0 && preflight instanceof Fault
          if (preflight instanceof Fault) return actual.length === 0
          return (
            preflight.headers.join('\n') === actual.join('\n') &&
            (actual[1] === '*' || actual[1] === origin) &&
            actual.every(part => !/[\r\n]/.test(part))
          )
        },
      ),
      { numRuns: 2000 },
    )
    t.pass()
  },
)

const website: fc.Arbitrary<WebsiteConfiguration> = fc.oneof(
  merged<WebsiteConfiguration>(
    fc.record({ kind: fc.constant('redirect-all'), hostName: text.filter(name => name !== '') }),
    optional('protocol', fc.constantFrom('http', 'https')),
  ),
  merged<WebsiteConfiguration>(
    fc.record({
      kind: fc.constant('site'),
      indexSuffix: text.map(name => name.replaceAll('/', '')).filter(name => name !== ''),
      rules: fc.array(
        merged<object>(
          optional(
            'condition',
            fc.oneof(
              fc.record({ keyPrefix: text }),
              fc.record({ keyPrefix: text, errorStatus: fc.integer({ min: 400, max: 599 }) }),
            ),
          ),
          fc.record({
            redirect: merged<object>(
              fc.record({ status: fc.integer({ min: 301, max: 399 }) }),
              optional('protocol', fc.constantFrom('http', 'https')),
              optional(
                'hostName',
                text.filter(name => name !== ''),
              ),
              fc.oneof(optional('replaceKeyWith', text), optional('replaceKeyPrefixWith', text)),
            ),
          }),
        ),
        { maxLength: 5 },
      ),
    }),
    optional(
      'errorKey',
      text.filter(name => name !== ''),
    ),
  ),
)

t.test('renderWebsite: any configuration → reads back the same', async () => {
  fc.assert(
    fc.property(website, configuration => {
      t.same(parseWebsite(Buffer.from(renderWebsite(configuration))), configuration)
    }),
    { numRuns: 500 },
  )
})

t.test('routing: any configuration and request → a key or a location that is printable ASCII', async t => {
  const anything = fc.string({ maxLength: 30, unit: 'binary' })
  fc.assert(
    fc.property(
      website,
      anything,
      anything,
      fc.integer({ min: 400, max: 599 }),
      (configuration, key, rawQuery, status) => {
        const request = {
          host: 'h',
          scheme: 'http',
          key,
          rawPath: `/${encodeURI(Buffer.from(key).toString())}`,
          rawQuery,
        } as const
        const results = [
          route(configuration, request),
          routeError(configuration, request, status),
          redirectToFolder(request),
          redirectOfObject(key),
        ]
        for (const result of results)
          if (result.kind === 'redirect' && !/^[\x21-\x7e]*$/.test(result.location)) throw new Error(result.location)
      },
    ),
    { numRuns: 2000 },
  )
  t.pass()
})

t.test('website pages: any key → no markup but the page’s own, headers of printable ASCII', async t => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40, unit: 'binary' }), key => {
      const context = { resource: '', requestId: 'r', hostId: 'h', key }
      const page = renderWebsiteFault(new Fault('object-missing'), { ...context, method: 'GET' })
      const tags = (page.body as string).replace(/<\/?(?:html|head|title|body|h1|ul|li|hr)\/?>/g, '')
      if (tags.includes('<')) throw new Error(tags)
      const head = renderWebsiteFault(new Fault('object-missing'), { ...context, method: 'HEAD' })
      for (const part of head.headers) if (!/^[\x20-\x7e]*$/.test(part)) throw new Error(part)
    }),
    { numRuns: 1000 },
  )
  t.pass()
})

t.test('websiteBucketOfHost: any host → what stands before .s3-website, or nothing', async t => {
  const host = fc.oneof(
    fc.string(),
    fc
      .array(fc.constantFrom('a', '.', '-', 's3-website', 'us-east-1', 'localhost', ':1'), { maxLength: 8 })
      .map(parts => parts.join('')),
  )
  fc.assert(
    fc.property(host, name => {
      const bucket = websiteBucketOfHost(name, ['localhost'])
      const elsewhere = websiteHostElsewhere(name, 'eu-west-1')
      // What it names is a website's host of that region: asked there, it leads no further.
      if (elsewhere !== undefined && websiteHostElsewhere(elsewhere, 'eu-west-1') !== undefined) return false
      if (bucket !== '' && elsewhere !== undefined && websiteBucketOfHost(elsewhere, ['localhost']) !== bucket)
        return false
      return bucket === '' || name.toLowerCase().startsWith(`${bucket}.s3-website`)
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

t.test('claimedAccessKey: any header, any query → a key without what ends one', async t => {
  const words = fc
    .array(
      fc.constantFrom('AWS ', 'AWS4-HMAC-SHA256', ' Credential=', ',', '/', ':', '=', 'key', '%2F', '&', '\u00e9'),
      {
        maxLength: 12,
      },
    )
    .map(parts => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(words, fc.string()), words, (authorization, value) => {
      const query = `X-Amz-Credential=${encodeURIComponent(value)}`
      for (const request of [wireRequest('GET /b/k', { authorization }), wireRequest(`GET /b/k?${query}`)])
        if (/[/]/.test(claimedAccessKey(request))) return authorization.startsWith('AWS ')
      return true
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

const smallDays = fc.integer({ min: 1, max: 40 })
const filter = fc.oneof(
  fc.constant({ form: 'empty', tags: [] }),
  fc.record({ form: fc.constant('single'), prefix: text, tags: fc.constant([]) }),
  fc.record({ form: fc.constant('single'), tags: fc.constant([]), sizeGreaterThan: fc.nat(100) }),
  merged<object>(
    fc.record({
      form: fc.constant('and'),
      prefix: text,
      tags: fc.uniqueArray(fc.record({ key: fc.stringMatching(/^[ab]$/), value: fc.stringMatching(/^[xy]?$/) }), {
        minLength: 1,
        maxLength: 2,
        selector: tag => tag.key,
      }),
    }),
    optional('sizeLessThan', fc.integer({ min: 1, max: 100 })),
  ),
)
const lifecycle: fc.Arbitrary<LifecycleConfiguration> = fc
  .array(
    merged<object>(
      fc.record({
        enabled: fc.boolean(),
        filter,
        transitions: fc.array(
          fc.record({ days: fc.integer({ min: 30, max: 60 }), storageClass: fc.constantFrom(...transitionClasses) }),
          { maxLength: 1 },
        ),
        noncurrentTransitions: fc.array(
          fc.record({ days: fc.integer({ min: 30, max: 60 }), storageClass: fc.constantFrom(...transitionClasses) }),
          { maxLength: 1 },
        ),
        expiration: fc.record({ days: fc.integer({ min: 61, max: 90 }) }),
      }),
      optional(
        'noncurrentExpiration',
        merged<object>(
          fc.record({ days: fc.integer({ min: 61, max: 90 }) }),
          optional('newerVersions', fc.integer({ min: 1, max: 3 })),
        ),
      ),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map(rules => ({
    rules: rules.map((rule, i) => ({ id: `r${i}`, ...rule })),
    transitionMinimum: 'all_storage_classes_128K',
  })) as unknown as fc.Arbitrary<LifecycleConfiguration>

t.test('renderLifecycle: any configuration → reads back the same', async () => {
  fc.assert(
    fc.property(lifecycle, configuration => {
      t.same(parseLifecycle(Buffer.from(renderLifecycle(configuration)), '', idFor), configuration)
    }),
    { numRuns: 500 },
  )
})

t.test('expirationHeader: any rule id → printable ASCII with four quotes', async t => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40, unit: 'binary' }), fc.integer(), (ruleId, days) => {
      const header = expirationHeader({ atMs: Math.abs(days) * 1000, ruleId })
      return /^expiry-date="[^"]*", rule-id="[\x20-\x7e]*"$/.test(header) && header.split('"').length === 5
    }),
    { numRuns: 1000 },
  )
  t.pass()
})

const version = fc.record({
  marker: fc.boolean(),
  sizeBytes: fc.constantFrom(0, 50, 200_000),
  tags: fc.constantFrom(
    [],
    [{ key: 'a', value: 'x' }],
    [
      { key: 'a', value: 'x' },
      { key: 'b', value: '' },
    ],
  ),
  ageDays: smallDays,
  storageClass: fc.constantFrom('STANDARD', ...transitionClasses),
})

t.test('dueActions: any rules and versions → promises kept, and an end', async t => {
  const nowMs = Date.UTC(2026, 5, 1, 12)
  fc.assert(
    fc.property(
      lifecycle,
      fc.array(version, { maxLength: 5 }),
      fc.constantFrom('', 'k', 'a/b'),
      fc.boolean(),
      (configuration, drawn, key, expiryDestroys) => {
        let made = 0
        const fresh = (more: Partial<LifecycleVersion>): LifecycleVersion => ({
          seq: ++made,
          marker: false,
          sizeBytes: 0,
          tags: [],
          modifiedAtMs: nowMs,
          storageClass: 'STANDARD',
          ...more,
        })
        let ageMs = 0
        let versions = drawn.map(({ ageDays, ...rest }) =>
          fresh({ ...rest, modifiedAtMs: nowMs - (ageMs += ageDays * 3 * msPerDay) }),
        )
        for (let round = 0; ; round++) {
          if (round > 20) throw new Error('there is always something due')
          const actions = dueActions(configuration, { key, versions, expiryDestroys }, nowMs, msPerDay)
          if (new Set(actions.map(action => action.version)).size !== actions.length)
            throw new Error('two actions for one version')
          if (actions.length === 0) break
          for (const action of actions) {
            const rule = configuration.rules.find(({ id }) => id === action.ruleId)
            if (rule?.enabled !== true) throw new Error('a rule that is not enabled acted')
            const isCurrent = action.version === versions[0]
            const mayBeNoncurrent = action.kind === 'delete-version' || action.kind === 'transition'
            const mayBeCurrent = action.kind !== 'delete-version'
            if (isCurrent ? !mayBeCurrent : !mayBeNoncurrent) throw new Error(`${action.kind} of the wrong version`)
            if (action.kind === 'expire-current' && action.version.marker) throw new Error('a marker expired')
            if (action.kind === 'remove-marker' && (versions.length > 1 || !action.version.marker))
              throw new Error('a marker that hides')
            if (
              action.kind === 'transition' &&
              (action.version.marker || action.version.storageClass === 'DEEP_ARCHIVE')
            )
              throw new Error('moved up')
            const due = expirationOf(configuration, { ...action.version, key }, msPerDay)
            if (action.kind === 'expire-current' && (due === undefined || due.atMs > nowMs))
              throw new Error('expired too soon')
          }
          const gone = new Set(
            actions
              .filter(({ kind }) => kind !== 'transition' && (kind !== 'expire-current' || expiryDestroys))
              .map(action => action.version),
          )
          const isHidden = actions.some(({ kind }) => kind === 'expire-current') && !expiryDestroys
          const moved = new Map(
            actions.map(action => [action.version, action.kind === 'transition' ? action.storageClass : undefined]),
          )
          versions = versions
            .filter(one => !gone.has(one))
            .map(one => ({ ...one, storageClass: moved.get(one) ?? one.storageClass }))
          if (isHidden) versions = [fresh({ marker: true }), ...versions]
        }
      },
    ),
    { numRuns: 1500 },
  )
  t.pass()
})
