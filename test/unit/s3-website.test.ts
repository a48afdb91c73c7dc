/** Website configurations and pages: expected answers are recorded from S3 where there is a record. */
import t from 'tap'
import { Fault, fault } from '../../protocol/fault.ts'
import type { FaultContext } from '../../protocol/s3/faults.ts'
import { parseWebsite, renderWebsite, type WebsiteConfiguration } from '../../protocol/s3/website.ts'
import { websiteBucketOfHost, websiteHostElsewhere } from '../../protocol/s3/website-host.ts'
import {
  checkWebsiteMethod,
  renderFolderRedirect,
  renderWebsiteFault,
  renderWebsiteRedirect,
  websiteErrorHeaders,
} from '../../protocol/s3/website-page.ts'

const document = (inside: string) =>
  Buffer.from(`<WebsiteConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</WebsiteConfiguration>`)
const parse = (inside: string) => parseWebsite(document(inside))
const index = '<IndexDocument><Suffix>index.html</Suffix></IndexDocument>'
const rules = (...inside: string[]) =>
  `${index}<RoutingRules>${inside.map(rule => `<RoutingRule>${rule}</RoutingRule>`).join('')}</RoutingRules>`
const toHost = '<Redirect><HostName>example.com</HostName></Redirect>'

const accepted: readonly (readonly [string, WebsiteConfiguration])[] = [
  [index, { kind: 'site', indexSuffix: 'index.html', rules: [] }],
  [`<ErrorDocument><Key>e/404.html</Key></ErrorDocument>${index}`, { kind: 'site', indexSuffix: 'index.html', errorKey: 'e/404.html', rules: [] }],
  ['<RedirectAllRequestsTo><HostName>example.com</HostName></RedirectAllRequestsTo>', { kind: 'redirect-all', hostName: 'example.com' }],
  ['<RedirectAllRequestsTo><HostName>example.com</HostName><Protocol>https</Protocol></RedirectAllRequestsTo>', { kind: 'redirect-all', hostName: 'example.com', protocol: 'https' }],
  [rules(toHost), { kind: 'site', indexSuffix: 'index.html', rules: [{ redirect: { hostName: 'example.com' } }] }],
  [
    rules(
      '<Condition><KeyPrefixEquals>docs/</KeyPrefixEquals></Condition><Redirect><ReplaceKeyPrefixWith/></Redirect>',
      '<Condition><KeyPrefixEquals>x</KeyPrefixEquals><HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals></Condition><Redirect><Protocol>http</Protocol><HostName>h</HostName><ReplaceKeyWith>k</ReplaceKeyWith><HttpRedirectCode>308</HttpRedirectCode></Redirect>',
    ),
    {
      kind: 'site',
      indexSuffix: 'index.html',
      rules: [
        { condition: { keyPrefix: 'docs/' }, redirect: { replaceKeyPrefixWith: '' } },
        { condition: { keyPrefix: 'x', errorStatus: 404 }, redirect: { protocol: 'http', hostName: 'h', replaceKeyWith: 'k', status: 308 } },
      ],
    },
  ],
] // biome-ignore format: a table

for (const [inside, expected] of accepted)
  t.test(`parseWebsite: ${inside.slice(0, 120)} → read, and read back the same`, async t => {
    const configuration = parse(inside)
    t.same(configuration, expected)
    t.same(parseWebsite(Buffer.from(renderWebsite(expected))), expected)
    t.same(JSON.parse(JSON.stringify(expected)), expected, 'plain data')
  })

const argument = (name: string, value: string, message: string) => ({
  code: 'argument-invalid',
  detail: { name, value, message },
})
const request = (message: string) => ({ code: 'request-invalid', detail: { message } })
const malformed = { code: 'xml-malformed' }
const notWellFormed = 'The IndexDocument Suffix is not well formed'
const badProtocol = request(
  'Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.',
)
const blankHost = request(
  'The HostName cannot be blank. To redirect within the same domain, the element should not be present.',
)
const alone = argument(
  'RedirectAllRequestsTo',
  'not null',
  'RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.',
)
const all = '<RedirectAllRequestsTo><HostName>test</HostName></RedirectAllRequestsTo>'

const refused: readonly (readonly [string, object])[] = [
  ['<IndexDocument><Suffix>/index.html</Suffix></IndexDocument>', argument('IndexDocument', '/index.html', notWellFormed)],
  ['<IndexDocument><Suffix></Suffix></IndexDocument>', argument('IndexDocument', '', notWellFormed)],
  [`${all}<IndexDocument><Suffix>/index.html</Suffix></IndexDocument>`, alone],
  [`${all}<ErrorDocument><Key>e</Key></ErrorDocument>`, alone],
  ['<ErrorDocument><Key>/index.html</Key></ErrorDocument>', argument('IndexDocument', 'null', 'A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty')],
  ['', argument('IndexDocument', 'null', 'A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty')],
  [`${index}<ErrorDocument><Key/></ErrorDocument>`, argument('ErrorDocument', '', 'The ErrorDocument Key is not well formed')],
  [rules('<Redirect><Protocol>protocol</Protocol></Redirect>'), badProtocol],
  ['<RedirectAllRequestsTo><HostName>h</HostName><Protocol>ftp</Protocol></RedirectAllRequestsTo>', badProtocol],
  ['<RedirectAllRequestsTo><HostName/></RedirectAllRequestsTo>', blankHost],
  [rules('<Redirect><HostName/></Redirect>'), blankHost],
  [rules('<Redirect><ReplaceKeyPrefixWith>prefix</ReplaceKeyPrefixWith><ReplaceKeyWith>key-name</ReplaceKeyWith></Redirect>'), request('You can only define ReplaceKeyPrefix or ReplaceKey but not both.')],
  [rules(`<Condition></Condition>${toHost}`), request("Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.")],
  [rules('<Redirect><HttpRedirectCode>300</HttpRedirectCode></Redirect>'), request('The provided HTTP redirect code (300) is not valid. Valid codes are 3XX except 300.')],
  [rules('<Redirect><HttpRedirectCode>200</HttpRedirectCode></Redirect>'), request('The provided HTTP redirect code (200) is not valid. Valid codes are 3XX except 300.')],
  [rules(`<Condition><HttpErrorCodeReturnedEquals>302</HttpErrorCodeReturnedEquals></Condition>${toHost}`), request('The provided HTTP error code (302) is not valid. Valid codes are 4XX or 5XX.')],
  [rules(...Array.from({ length: 51 }, () => toHost)), request('51 routing rules provided, the number of routing rules in a website configuration is limited to 50.')],
  [`${index}<RoutingRules></RoutingRules>`, malformed],
  [rules('<Redirect/>'), malformed],
  [rules('<Condition><KeyPrefixEquals>a</KeyPrefixEquals></Condition>'), malformed],
  [rules('<Redirect><HttpRedirectCode>x</HttpRedirectCode></Redirect>'), malformed],
  [rules(`<Condition><HttpErrorCodeReturnedEquals>4xx</HttpErrorCodeReturnedEquals></Condition>${toHost}`), malformed],
  [rules(`${toHost}${toHost}`), malformed],
  [`${index}${index}`, malformed],
  ['<IndexDocument/>', malformed],
  [`${index}<ErrorDocument/>`, malformed],
  ['<RedirectAllRequestsTo/>', malformed],
  [`${index}<Unknown/>`, malformed],
] // biome-ignore format: a table

for (const [inside, expected] of refused)
  t.test(`parseWebsite: ${inside.slice(0, 160)} → refused as S3 does`, async t => {
    t.match(parse(inside), expected)
  })

t.test('parseWebsite: no document, another root → malformed', async t => {
  for (const body of ['', 'x', '<Website/>', '<WebsiteConfiguration>'])
    t.match(parseWebsite(Buffer.from(body)), malformed, body)
})

t.test('parseWebsite: 50 rules → accepted', async t => {
  const configuration = parse(rules(...Array.from({ length: 50 }, () => toHost)))
  t.equal(!(configuration instanceof Fault) && configuration.kind === 'site' && configuration.rules.length, 50)
})

const domains = ['s3.localhost', 'localhost', 'files.example.com']
const hosts: readonly (readonly [string, string])[] = [
  ['site.s3-website.localhost', 'site'],
  ['site.s3-website.localhost:4566', 'site'],
  ['Site.S3-Website.LOCALHOST', 'site'],
  ['www.example.com.s3-website.localhost', 'www.example.com'],
  ['site.s3-website-us-east-1.localhost', 'site'],
  ['site.s3-website.eu-west-1.localhost', 'site'],
  ['site.s3-website.files.example.com', 'site'],
  ['site.s3-website-eu-west-1.amazonaws.com', 'site'],
  ['site.s3-website.eu-central-1.amazonaws.com', 'site'],
  ['site.s3-website.cn-north-1.amazonaws.com.cn', 'site'],
  ['site.s3-website.atlantis-1.localhost', ''],
  ['site.s3-website.other.org', ''],
  ['s3-website.localhost', ''],
  ['.s3-website.localhost', ''],
  ['site.s3.localhost', ''],
  ['site.localhost', ''],
  ['localhost:4566', ''],
  ['127.0.0.1:4566', ''],
  ['s3-website', ''],
  ['', ''],
]
t.test('websiteBucketOfHost: the forms of the name → the bucket; all else → none', async t => {
  for (const [host, bucket] of hosts) t.equal(websiteBucketOfHost(host, domains), bucket, host)
})

t.test('websiteHostElsewhere: another region than the bucket’s → its host, in the form asked', async t => {
  for (const [host, elsewhere] of [
    ['site.s3-website-us-east-1.localhost:4566', 'site.s3-website-eu-west-1.localhost:4566'],
    ['a.b.S3-Website.US-EAST-1.amazonaws.com', 'a.b.S3-Website.eu-west-1.amazonaws.com'],
    ['s3-website-us-east-1.s3-website.sa-east-1.localhost', 's3-website-us-east-1.s3-website.eu-west-1.localhost'],
    ['a.s3-website-us-east-1.s3-website.localhost', undefined],
    ['site.s3-website-EU-west-1.localhost', undefined],
    ['site.s3-website.localhost', undefined],
    ['site.s3-website.files.example.com', undefined],
  ] as const)
    t.equal(websiteHostElsewhere(host, 'eu-west-1'), elsewhere, host)
})

const context: FaultContext = {
  method: 'GET',
  resource: '/index.html',
  requestId: '4442587FB7D0A2F9',
  hostId: 'host/id+=',
  bucket: 'site',
  key: 'index.html',
}
const top = (title: string, ...items: string[]) =>
  `<html>\n<head><title>${title}</title></head>\n<body>\n<h1>${title}</h1>\n<ul>\n` +
  items.map(item => `<li>${item}</li>\n`).join('') +
  '<li>RequestId: 4442587FB7D0A2F9</li>\n<li>HostId: host/id+=</li>\n</ul>\n'
const bottom = '<hr/>\n</body>\n</html>\n'
const noSuchKey = ['Code: NoSuchKey', 'Message: The specified key does not exist.', 'Key: index.html']

t.test('renderWebsiteFault: no such key → 404 page', async t => {
  t.same(renderWebsiteFault(fault('object-missing'), context), {
    status: 404,
    headers: ['Content-Type', 'text/html; charset=utf-8'],
    body: top('404 Not Found', ...noSuchKey) + bottom,
  })
})

t.test('renderWebsiteFault: nor the error document → told below', async t => {
  const reply = renderWebsiteFault(fault('object-missing'), context, fault('object-missing', { key: 'error.html' }))
  t.equal(
    reply.body,
    `${top('404 Not Found', ...noSuchKey)}<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document` +
      '</h3>\n<ul>\n<li>Code: NoSuchKey</li>\n<li>Message: The specified key does not exist.</li>\n' +
      `<li>Key: error.html</li>\n</ul>\n${bottom}`,
  )
})

t.test('renderWebsiteFault: bucket, configuration, method, permission → pages with their facts', async t => {
  const { key: _, ...ofBucket } = context
  const body = (code: Parameters<typeof fault>[0]) => renderWebsiteFault(fault(code), ofBucket).body
  t.equal(
    body('bucket-missing'),
    top('404 Not Found', 'Code: NoSuchBucket', 'Message: The specified bucket does not exist', 'BucketName: site') +
      bottom,
  )
  t.equal(
    body('website-missing'),
    top(
      '404 Not Found',
      'Code: NoSuchWebsiteConfiguration',
      'Message: The specified bucket does not have a website configuration',
      'BucketName: site',
    ) + bottom,
  )
  t.equal(body('access-denied'), top('403 Forbidden', 'Code: AccessDenied', 'Message: Access Denied') + bottom)
})

t.test('checkWebsiteMethod: other than reading → 405 page', async t => {
  for (const method of ['GET', 'HEAD', 'OPTIONS'] as const) t.equal(checkWebsiteMethod(method), undefined)
  for (const method of ['POST', 'DELETE', 'PUT'] as const) {
    const reply = renderWebsiteFault(checkWebsiteMethod(method)!, { ...context, method })
    t.equal(reply.status, 405)
    t.same(reply.headers.slice(2), ['Allow', 'GET, HEAD, OPTIONS'])
    t.equal(
      reply.body,
      top(
        '405 Method Not Allowed',
        'Code: MethodNotAllowed',
        'Message: The specified method is not allowed against this resource.',
        `Method: ${method}`,
        'ResourceType: OBJECT',
      ) + bottom,
    )
  }
})

t.test('renderWebsiteFault: HEAD → the error in headers, no body', async t => {
  t.same(renderWebsiteFault(fault('object-missing'), { ...context, method: 'HEAD' }), {
    status: 404,
    headers: [
      'x-amz-error-code',
      'NoSuchKey',
      'x-amz-error-message',
      'The specified key does not exist.',
      'x-amz-error-detail-Key',
      'index.html',
    ],
    body: null,
  })
})

t.test('renderWebsiteFault: not modified → no page', async t => {
  t.same(renderWebsiteFault(fault('not-modified', { etag: 'e' }), context), {
    status: 304,
    headers: ['ETag', '"e"'],
    body: null,
  })
})

t.test('renderWebsiteFault: hostile keys → escaped in the page, encoded in headers', async t => {
  const key = '<script>"&\n\u0000é'
  const page = renderWebsiteFault(fault('object-missing', { key }), context).body as string
  t.match(page, '<li>Key: &lt;script&gt;&quot;&amp;\n&#x0;é</li>')
  t.notMatch(page, '<script>')
  t.equal(websiteErrorHeaders(fault('object-missing', { key }), context)[5], '<script>"&%0A%00%C3%A9')
})

t.test('renderWebsiteRedirect: → no body', async t => {
  t.same(renderWebsiteRedirect({ kind: 'redirect', status: 301, location: '/a' }), {
    status: 301,
    headers: ['Location', '/a'],
    body: null,
  })
})

t.test('renderFolderRedirect: → 302 as if it were an error', async t => {
  const redirect = { kind: 'redirect', status: 302, location: '/docs/' } as const
  const headers = ['Location', '/docs/', 'x-amz-error-code', 'Found', 'x-amz-error-message', 'Resource Found']
  const page = renderFolderRedirect(redirect, context)
  t.equal(page.status, 302)
  t.same(page.headers, ['Content-Type', 'text/html; charset=utf-8', ...headers])
  t.equal(page.body, top('302 Found', 'Code: Found', 'Message: Resource Found') + bottom)
  t.same(renderFolderRedirect(redirect, { ...context, method: 'HEAD' }), { status: 302, headers, body: null })
})
