/** Where requests for a website lead: the cases of the User Guide and of recorded answers. */
import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { decodePercent } from '../../protocol/query.ts'
import { parseWebsite, type WebsiteConfiguration } from '../../protocol/s3/website.ts'
import {
  folderIndexKey,
  redirectOfObject,
  redirectToFolder,
  route,
  routeError,
  type WebsiteRequest,
} from '../../protocol/s3/website-route.ts'

const configuration = (inside: string): WebsiteConfiguration => {
  const parsed = parseWebsite(Buffer.from(`<WebsiteConfiguration>${inside}</WebsiteConfiguration>`))
  if (parsed instanceof Fault) throw new Error(JSON.stringify(parsed))
  return parsed
}
const documents =
  '<IndexDocument><Suffix>index.html</Suffix></IndexDocument><ErrorDocument><Key>error.html</Key></ErrorDocument>'
const site = configuration(documents)
const withRules = (...rules: readonly (readonly [condition: string, redirect: string])[]) =>
  configuration(
    `${documents}<RoutingRules>${rules
      .map(([condition, redirect]) => `<RoutingRule>${condition}<Redirect>${redirect}</Redirect></RoutingRule>`)
      .join('')}</RoutingRules>`,
  )
const prefix = (text: string) => `<Condition><KeyPrefixEquals>${text}</KeyPrefixEquals></Condition>`
const status = (code: number, more = '') =>
  `<Condition>${more}<HttpErrorCodeReturnedEquals>${code}</HttpErrorCodeReturnedEquals></Condition>`

/** What a gateway would make of a target of `http://site.s3-website.localhost:4566`. */
const request = (target: string): WebsiteRequest => {
  const [rawPath = '', rawQuery = ''] = target.split('?')
  return {
    host: 'site.s3-website.localhost:4566',
    scheme: 'http',
    key: decodePercent(rawPath.slice(1))!,
    rawPath,
    rawQuery,
  }
}
const to = (location: string, code = 301) => ({ kind: 'redirect', status: code, location })
const here = 'http://site.s3-website.localhost:4566'

t.test('route: a folder → its index document; anything else → itself', async t => {
  const cases = [
    ['/', 'index.html'],
    ['', 'index.html'],
    ['/photos/', 'photos/index.html'],
    ['/photos', 'photos'],
    ['/a%20b/', 'a b/index.html'],
    ['//', '/index.html'],
    ['/index.html?x=1', 'index.html'],
  ] as const
  for (const [target, key] of cases) t.same(route(site, request(target)), { kind: 'object', key }, target)
})

t.test('route: all requests redirected → host and scheme change, path and query stay', async t => {
  const all = (inside: string) =>
    configuration(`<RedirectAllRequestsTo><HostName>example.com</HostName>${inside}</RedirectAllRequestsTo>`)
  t.same(route(all(''), request('/')), to('http://example.com/'))
  t.same(route(all(''), request('/a%20b/c?x=1&y')), to('http://example.com/a%20b/c?x=1&y'))
  t.same(route(all('<Protocol>https</Protocol>'), request('/k')), to('https://example.com/k'))
  t.same(route(all(''), { ...request('/k'), scheme: 'https' }), to('https://example.com/k'))
})

t.test("route: the User Guide's rules → its redirects", async t => {
  const renamed = withRules([prefix('docs/'), '<ReplaceKeyPrefixWith>documents/</ReplaceKeyPrefixWith>'])
  t.same(route(renamed, request('/docs/')), to(`${here}/documents/`))
  t.same(route(renamed, request('/docs/x')), to(`${here}/documents/x`))
  t.same(route(renamed, request('/x')), { kind: 'object', key: 'x' })
  t.same(route(renamed, request('/')), { kind: 'object', key: 'index.html' })
  const deleted = withRules([prefix('images/'), '<ReplaceKeyWith>folderdeleted.html</ReplaceKeyWith>'])
  t.same(route(deleted, request('/images/x?size=1')), to(`${here}/folderdeleted.html`))
})

t.test('route: parts of a redirect → replace only those of the request', async t => {
  const rules = withRules(
    [prefix('host/'), '<HostName>random-hostname</HostName>'],
    [prefix('replace-prefix/'), '<ReplaceKeyPrefixWith>replaced-prefix/</ReplaceKeyPrefixWith>'],
    [prefix('protocol/'), '<Protocol>https</Protocol>'],
    [prefix('code/'), '<HttpRedirectCode>307</HttpRedirectCode>'],
    [prefix('nothing/'), '<ReplaceKeyPrefixWith/>'],
    [prefix('app/'), '<ReplaceKeyPrefixWith>#!/</ReplaceKeyPrefixWith>'],
    [prefix('query/'), '<ReplaceKeyWith>page?from=old</ReplaceKeyWith>'],
  )
  t.same(route(rules, request('/host/key')), to('http://random-hostname/host/key'))
  t.same(route(rules, request('/replace-prefix/key')), to(`${here}/replaced-prefix/key`))
  t.same(route(rules, request('/protocol/key')), to('https://site.s3-website.localhost:4566/protocol/key'))
  t.same(route(rules, request('/code/key?a=b')), to(`${here}/code/key?a=b`, 307))
  t.same(route(rules, request('/nothing/mydocs/test.html')), to(`${here}/mydocs/test.html`))
  t.same(route(rules, request('/app/page')), to(`${here}/#!/page`), 'what replaces is not encoded')
  t.same(route(rules, request('/query/x?y')), to(`${here}/page?from=old`))
})

t.test('route: several rules match → the first; a rule for errors → not yet', async t => {
  const rules = withRules(
    [status(404, '<KeyPrefixEquals>p</KeyPrefixEquals>'), '<ReplaceKeyWith>missing.html</ReplaceKeyWith>'],
    [prefix('prefix'), '<ReplaceKeyWith>1.html</ReplaceKeyWith>'],
    [prefix('pre'), '<ReplaceKeyWith>2.html</ReplaceKeyWith>'],
  )
  t.same(route(rules, request('/prefixed')), to(`${here}/1.html`))
  t.same(route(rules, request('/prelude')), to(`${here}/2.html`))
  t.same(route(rules, request('/p')), { kind: 'object', key: 'p' })
})

t.test('route: a prefix of the index document → does not catch the root; no condition → catches all', async t => {
  const index = withRules([prefix('index'), '<ReplaceKeyWith>redirected.html</ReplaceKeyWith>'])
  t.same(route(index, request('/')), { kind: 'object', key: 'index.html' })
  t.same(route(index, request('/index.html')), to(`${here}/redirected.html`))
  const always = withRules(['', '<HostName>elsewhere</HostName>'])
  t.same(route(always, request('/')), to('http://elsewhere/'))
  t.same(route(always, request('/a')), to('http://elsewhere/a'))
})

t.test('folderIndexKey: a key without a slash → its index; root and folders → none', async t => {
  t.equal(folderIndexKey(site, request('/photos')), 'photos/index.html')
  for (const target of ['/', '', '/photos/']) t.equal(folderIndexKey(site, request(target)), undefined, target)
})

t.test('redirectToFolder: → 302 to the path with a slash, encoded', async t => {
  t.same(redirectToFolder(request('/directory')), to('/directory/', 302))
  t.same(redirectToFolder(request('/a%20%C3%A9%3F%23%25/b')), to('/a%20%C3%A9%3F%23%25/b/', 302))
})

t.test('redirectOfObject: → 301 to what was set, safe for a header', async t => {
  t.same(redirectOfObject('/another/index.html'), to('/another/index.html'))
  t.same(redirectOfObject('http://example.com/a%20b?c#d'), to('http://example.com/a%20b?c#d'))
  t.same(redirectOfObject('/a b\r\nX: y'), to('/a%20b%0D%0AX:%20y'))
})

t.test('routeError: rules for the error → before the error document', async t => {
  const rules = withRules(
    [
      status(404, '<KeyPrefixEquals>both-prefixed/</KeyPrefixEquals>'),
      '<ReplaceKeyWith>redirected-both.html</ReplaceKeyWith>',
    ],
    [prefix('prefixed'), '<ReplaceKeyWith>never.html</ReplaceKeyWith>'],
    [
      status(404),
      '<HostName>ec2-11-22-333-44.compute-1.amazonaws.com</HostName><ReplaceKeyPrefixWith>report-404/</ReplaceKeyPrefixWith>',
    ],
    [status(503), '<HttpRedirectCode>302</HttpRedirectCode><HostName>backup</HostName>'],
  )
  t.same(routeError(rules, request('/both-prefixed/'), 404), to(`${here}/redirected-both.html`))
  t.same(
    routeError(rules, request('/ExamplePage.html'), 404),
    to('http://ec2-11-22-333-44.compute-1.amazonaws.com/report-404/ExamplePage.html'),
  )
  t.same(routeError(rules, request('/x'), 503), to('http://backup/x', 302))
  t.same(routeError(rules, request('/x'), 403), { kind: 'error-document', key: 'error.html' })
})

t.test('routeError: a prefix and an error code → the prefix is what is replaced', async t => {
  const rules = withRules([
    status(404, '<KeyPrefixEquals>images/</KeyPrefixEquals>'),
    '<HostName>h</HostName><ReplaceKeyPrefixWith>report-404/</ReplaceKeyPrefixWith>',
  ])
  t.same(routeError(rules, request('/images/x'), 404), to('http://h/report-404/x'))
  t.same(routeError(rules, request('/x'), 404), { kind: 'error-document', key: 'error.html' })
})

t.test('routeError: no rule → the error document for 4XX, a page for the rest and without one', async t => {
  t.same(routeError(site, request('/x'), 404), { kind: 'error-document', key: 'error.html' })
  t.same(routeError(site, request('/x'), 500), { kind: 'error-page' })
  const bare = configuration('<IndexDocument><Suffix>index.html</Suffix></IndexDocument>')
  t.same(routeError(bare, request('/x'), 404), { kind: 'error-page' })
})
