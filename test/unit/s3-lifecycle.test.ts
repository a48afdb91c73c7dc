/** Lifecycle configurations: expected answers are recorded from S3 where there is a record (see lifecycle-check.ts). */
import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { abortHeaders, expirationHeader, parseLifecycle, renderLifecycle } from '../../protocol/s3/lifecycle.ts'
import type { LifecycleConfiguration } from '../../protocol/s3/lifecycle-rule.ts'
import { parseXml } from '../../protocol/xml.ts'

const document = (rules: string) =>
  Buffer.from(
    `<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${rules}</LifecycleConfiguration>`,
  )
const rule = (inside: string) => `<Rule><Status>Enabled</Status>${inside}</Rule>`
const parse = (rules: string, minimum = '') => parseLifecycle(document(rules), minimum, index => `made-${index}`)
const parsed = (rules: string): LifecycleConfiguration => {
  const configuration = parse(rules)
  if (configuration instanceof Fault) throw new Error(`${rules}: ${JSON.stringify(configuration)}`)
  return configuration
}
const all = '<Filter/>'
const days = (count: number) => `<Expiration><Days>${count}</Days></Expiration>`
const week = days(7)
const transition = (count: number, storageClass: string) =>
  `<Transition><Days>${count}</Days><StorageClass>${storageClass}</StorageClass></Transition>`
const dated = (date: string, storageClass: string) =>
  `<Transition><Date>${date}</Date><StorageClass>${storageClass}</StorageClass></Transition>`
const noncurrent = (count: number, storageClass: string, more = '') =>
  `<NoncurrentVersionTransition><NoncurrentDays>${count}</NoncurrentDays>${more}<StorageClass>${storageClass}` +
  '</StorageClass></NoncurrentVersionTransition>'
const noncurrentExpiration = (count: number, more = '') =>
  `<NoncurrentVersionExpiration><NoncurrentDays>${count}</NoncurrentDays>${more}</NoncurrentVersionExpiration>`
const abort = (count: number) =>
  `<AbortIncompleteMultipartUpload><DaysAfterInitiation>${count}</DaysAfterInitiation></AbortIncompleteMultipartUpload>`
const tag = (key: string, value: string) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`
const marker = (text: string) =>
  `<Expiration><ExpiredObjectDeleteMarker>${text}</ExpiredObjectDeleteMarker></Expiration>`

t.test('parseLifecycle: every element → a rule', async t => {
  t.same(
    parsed(
      `<Rule><ID>r</ID><Filter><And><Prefix>logs/</Prefix>${tag('a', '1')}${tag('b', '')}` +
        '<ObjectSizeGreaterThan>500</ObjectSizeGreaterThan><ObjectSizeLessThan>64000</ObjectSizeLessThan></And></Filter>' +
        `<Status>Disabled</Status>${transition(30, 'STANDARD_IA')}${transition(365, 'GLACIER')}${days(3650)}` +
        noncurrent(30, 'ONEZONE_IA', '<NewerNoncurrentVersions>3</NewerNoncurrentVersions>') +
        `${noncurrentExpiration(90, '<NewerNoncurrentVersions>500</NewerNoncurrentVersions>')}</Rule>`,
    ),
    {
      rules: [
        {
          id: 'r',
          enabled: false,
          filter: {
            form: 'and',
            prefix: 'logs/',
            tags: [
              { key: 'a', value: '1' },
              { key: 'b', value: '' },
            ],
            sizeGreaterThan: 500,
            sizeLessThan: 64000,
          },
          expiration: { days: 3650 },
          transitions: [
            { days: 30, storageClass: 'STANDARD_IA' },
            { days: 365, storageClass: 'GLACIER' },
          ],
          noncurrentExpiration: { days: 90, newerVersions: 500 },
          noncurrentTransitions: [{ days: 30, newerVersions: 3, storageClass: 'ONEZONE_IA' }],
        },
      ],
      transitionMinimum: 'all_storage_classes_128K',
    },
  )
})

t.test('parseLifecycle: no ID, or an empty one → made by the caller', async t => {
  t.same(
    parsed(rule(`<Filter/>${week}`) + rule(`<ID>mine</ID><Filter/>${week}`) + rule(`<ID/><Filter/>${week}`)).rules.map(
      one => one.id,
    ),
    ['made-0', 'mine', 'made-2'],
  )
})

const accepted: readonly (readonly [string, string])[] = [
  ['a rule-level prefix', rule(`<Prefix>test1/</Prefix>${week}`)],
  ['an empty rule-level prefix', rule(`<Prefix/>${week}`)],
  ['an empty filter', rule(all + week)],
  ['a filter with an empty prefix', rule(`<Filter><Prefix></Prefix></Filter>${week}`)],
  ['a filter of one tag', rule(`<Filter>${tag('k', 'v')}</Filter>${week}`)],
  ['a filter by size', rule(`<Filter><ObjectSizeGreaterThan>0</ObjectSizeGreaterThan></Filter>${week}`)],
  ['a filter by size', rule(`<Filter><ObjectSizeLessThan>1</ObjectSizeLessThan></Filter>${week}`)],
  ['And with an empty prefix and one tag', rule(`<Filter><And><Prefix/>${tag('k', 'v')}</And></Filter>${week}`)],
  ['And with two tags', rule(`<Filter><And>${tag('k', 'v')}${tag('l', 'v')}</And></Filter>${week}`)],
  ['a date', rule(`${all}<Expiration><Date>2017-09-27T00:00:00Z</Date></Expiration>`)],
  ['a date of the past without a time', rule(`${all}<Expiration><Date>2017-09-27</Date></Expiration>`)],
  ['an expired delete marker', rule(`<Filter><Prefix>foo</Prefix></Filter>${marker('true')}`)],
  ['no expired delete marker', rule(all + marker('false'))],
  ['a marker beside noncurrent versions', rule(`<Prefix>a</Prefix>${noncurrentExpiration(1)}${marker('true')}`)],
  ['an abort', rule(`<Prefix>test1/</Prefix>${abort(2)}`)],
  ['a transition at once', rule(all + transition(0, 'GLACIER_IR'))],
  ['the waterfall', rule(all + transition(30, 'STANDARD_IA') + transition(60, 'INTELLIGENT_TIERING') + transition(61, 'GLACIER_IR') + transition(151, 'GLACIER') + transition(241, 'DEEP_ARCHIVE') + days(242))],
  ['the waterfall from below', rule(all + transition(180, 'DEEP_ARCHIVE') + transition(90, 'GLACIER'))],
  ['dates in order', rule(`${all + dated('2026-01-01', 'GLACIER') + dated('2026-04-01', 'DEEP_ARCHIVE')}<Expiration><Date>2026-04-02</Date></Expiration>`)],
  ['a marker beside a transition by days', rule(all + marker('true') + transition(12, 'DEEP_ARCHIVE'))],
  ['one class for both kinds of version', rule(all + transition(1, 'GLACIER') + noncurrent(1, 'GLACIER'))],
  ['noncurrent transitions and expiration', rule(`<Prefix>test1/</Prefix>${noncurrent(2, 'INTELLIGENT_TIERING')}${noncurrent(4, 'GLACIER')}${noncurrentExpiration(6)}`)],
  ['the same prefix for different actions', rule(`<Prefix>a</Prefix>${week}`) + rule(`<Prefix>a</Prefix>${abort(1)}`)],
  ['prefixes beside each other', rule(`<Prefix>test1/</Prefix>${week}`) + rule(`<Prefix>test2/</Prefix>${week}`)],
  ['overlapping filters', rule(all + week) + rule(`<Filter><Prefix>a</Prefix></Filter>${week}`)],
  ['an ID of 255 characters', rule(`<ID>${'i'.repeat(255)}</ID>${all}${week}`)],
  ['a prefix of 1,024 bytes', rule(`<Filter><Prefix>${'p'.repeat(1024)}</Prefix></Filter>${week}`)],
] // biome-ignore format: a table

for (const [what, rules] of accepted)
  t.test(`parseLifecycle: ${what} → accepted, and read back the same`, async t => {
    const configuration = parsed(rules)
    t.same(
      parseLifecycle(Buffer.from(renderLifecycle(configuration)), '', () => 'new'),
      configuration,
    )
    t.same(JSON.parse(JSON.stringify(configuration)), configuration, 'plain data')
  })

const argument = (name: string, value: string, message: string) => ({
  code: 'argument-invalid',
  detail: { name, value, message },
})
const request = (message: string) => ({ code: 'request-invalid', detail: { message } })
const malformed = { code: 'xml-malformed' }
const test = '<Filter><Prefix>test/</Prefix></Filter>'
const scope = "filter '(prefix=test/)'"
const midnight = "'Date' must be at midnight GMT"
const ia = (storageClass: string, unit = 'Days', action = 'Transition') =>
  `'${unit}' in ${action} action must be greater than or equal to 30 for storageClass '${storageClass}'`

const refused: readonly (readonly [string, string, object])[] = [
  // its own names
  ['an ID of 256 characters', rule(`<ID>${'a'.repeat(256)}</ID>${all}${week}`), argument('ID', 'a'.repeat(256), 'ID length should not exceed allowed limit of 255')],
  ['the same ID twice', rule(`<ID>rule1</ID><Prefix>test1/</Prefix>${week}`) + rule(`<ID>rule1</ID><Prefix>test2/</Prefix>${week}`), argument('ID', 'rule1', 'Rule ID must be unique. Found same ID for more than one rule')],
  ['no rules', '', request('At least one lifecycle rule must be specified.')],
  ['1,001 rules', rule(all + week).repeat(1001), request('The number of lifecycle rules must not exceed the allowed limit of 1000 rules.')],
  ['no action', rule(all), request('At least one action needs to be specified in a rule')],
  // filters
  ['a filter after a rule-level prefix', rule(`<Prefix>a</Prefix>${week}`) + rule(all + week), request('Filter element can only be used in Lifecycle V2.')],
  ['a rule-level prefix after a filter', rule(all + week) + rule(`<Prefix>a</Prefix>${week}`), request('Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.')],
  ['a version count without a filter', rule(`<Prefix/>${noncurrentExpiration(1, '<NewerNoncurrentVersions>1</NewerNoncurrentVersions>')}`), request('NewerNoncurrentVersions element can only be used in Lifecycle V2.')],
  ['overlapping rule-level prefixes', rule(`<Prefix>a</Prefix>${week}`) + rule(`<Prefix/>${week}`), request("Found overlapping prefixes '' and 'a' for same action type 'Expiration'")],
  ['overlapping prefixes far apart', rule(`<Prefix>b</Prefix>${abort(1)}`) + rule(`<Prefix>a</Prefix>${abort(1)}`) + rule(`<Prefix>bb</Prefix>${abort(1)}`), request("Found overlapping prefixes 'b' and 'bb' for same action type 'AbortIncompleteMultipartUpload'")],
  ['a prefix of 1,025 bytes', rule(`<Filter><Prefix>${'é'.repeat(512)}p</Prefix></Filter>${week}`), request('The maximum size of a prefix is 1024.')],
  ['duplicate tag keys', rule(`<Filter><And>${tag('k', 'positive')}${tag('k', 'positive-two')}</And></Filter>${week}`), request('Duplicate Tag Keys are not allowed.')],
  ['an empty tag key', rule(`<Filter>${tag('', 'v')}</Filter>${week}`), request("A Tag's Key must be a length between 1 and 128.")],
  ['a long tag value', rule(`<Filter>${tag('k', 'v'.repeat(257))}</Filter>${week}`), request("A Tag's Value must be a length between 0 and 256.")],
  ['a size less than 0', rule(`<Filter><ObjectSizeLessThan>0</ObjectSizeLessThan></Filter>${week}`), request("'ObjectSizeLessThan' should be between 1 and 1099511627776000.")],
  ['a negative size', rule(`<Filter><ObjectSizeGreaterThan>-1</ObjectSizeGreaterThan></Filter>${week}`), request("'ObjectSizeGreaterThan' should be between 0 and 1099511627776000.")],
  ['a size beyond all', rule(`<Filter><ObjectSizeGreaterThan>1099511627776001</ObjectSizeGreaterThan></Filter>${week}`), request("'ObjectSizeGreaterThan' should be between 0 and 1099511627776000.")],
  ['no size between', rule(`<Filter><And><ObjectSizeGreaterThan>9</ObjectSizeGreaterThan><ObjectSizeLessThan>9</ObjectSizeLessThan></And></Filter>${week}`), request("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")],
  ['an abort by tag', rule(`<Filter>${tag('k', 'v')}</Filter>${abort(7)}`), request('AbortIncompleteMultipartUpload cannot be specified with Tags.')],
  ['an abort by size', rule(`<Filter><ObjectSizeGreaterThan>9</ObjectSizeGreaterThan></Filter>${week}${abort(7)}`), request('AbortIncompleteMultipartUpload cannot be specified with Object Size.')],
  ['a marker by tag', rule(`<Filter>${tag('k', 'v')}</Filter>${marker('true')}`), request('ExpiredObjectDeleteMarker cannot be specified with Tags.')],
  ['no marker by size', rule(`<Filter><ObjectSizeLessThan>9</ObjectSizeLessThan></Filter>${marker('false')}`), request('ExpiredObjectDeleteMarker cannot be specified with Object Size.')],
  // days and dates
  ['0 days', rule(`<Prefix>days0/</Prefix>${days(0)}`), argument('Days', '0', "'Days' for Expiration action must be a positive integer")],
  ['a date at 2 o’clock', rule(`${all}<Expiration><Date>2023-01-01T02:02:00Z</Date></Expiration>`), argument('Date', '2023-01-01T02:02:00Z', midnight)],
  ['20200101 as clients read it', rule(`<Prefix>test1/</Prefix><Expiration><Date>1970-08-22T19:15:01Z</Date></Expiration>`), argument('Date', '1970-08-22T19:15:01Z', midnight)],
  ['a transition at 2 o’clock', rule(`${all}${dated('1970-08-23T01:28:47Z', 'GLACIER')}`), argument('Date', '1970-08-23T01:28:47Z', midnight)],
  ['0 noncurrent days', rule(all + noncurrentExpiration(0)), argument('NoncurrentDays', '0', "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")],
  ['no newer versions', rule(all + noncurrentExpiration(1, '<NewerNoncurrentVersions>0</NewerNoncurrentVersions>')), argument('NewerNoncurrentVersions', '0', "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be a positive integer")],
  ['an abort after 0 days', rule(all + abort(0)), argument('DaysAfterInitiation', '0', "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")],
  // transitions
  ['STANDARD_IA after 29 days', rule(all + transition(29, 'STANDARD_IA')), argument('Days', '29', ia('STANDARD_IA'))],
  ['ONEZONE_IA after 0 days', rule(all + transition(0, 'ONEZONE_IA')), argument('Days', '0', ia('ONEZONE_IA'))],
  ['noncurrent STANDARD_IA after 29 days', rule(all + noncurrent(29, 'STANDARD_IA')), argument('NoncurrentDays', '29', ia('STANDARD_IA', 'NoncurrentDays', 'NoncurrentVersionTransition'))],
  ['a transition after -1 days', rule(all + transition(-1, 'GLACIER')), argument('Days', '-1', "'Days' in Transition action must be nonnegative")],
  ['a transition to STANDARD', rule(all + transition(30, 'STANDARD')), argument('StorageClass', 'STANDARD', 'Invalid target Storage class for Transition action')],
  ['a transition at no time', rule(`${all}<Transition><StorageClass>GLACIER</StorageClass></Transition>`), { code: 'argument-invalid', detail: { message: "'Transition' action must specify either 'Days' or 'Date'" } }],
  ['one class twice', rule(test + transition(90, 'GLACIER') + transition(30, 'GLACIER')), request(`'StorageClass' must be different for 'Transition' actions in same 'Rule' with ${scope}`)],
  ['one noncurrent class twice', rule(test + noncurrent(30, 'GLACIER') + noncurrent(90, 'GLACIER')), request(`'StorageClass' must be different for 'NoncurrentVersionTransition' actions in same 'Rule' with ${scope}`)],
  ['days and dates', rule(test + transition(30, 'GLACIER') + dated('2026-01-01', 'DEEP_ARCHIVE')), request(`Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for ${scope}`)],
  ['days and a date of expiration', rule(`${test + transition(12, 'DEEP_ARCHIVE')}<Expiration><Date>2027-01-03</Date></Expiration>`), request(`Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for ${scope}`)],
  ['a date and days of expiration, by rule-level prefix', rule(`<Prefix>a</Prefix>${dated('2027-01-01', 'GLACIER')}${week}`), request("Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for prefix 'a'")],
  ['expiration with the transition', rule(test + transition(180, 'DEEP_ARCHIVE') + days(180)), argument('Days', '180', `'Days' in the Expiration action for ${scope} must be greater than 'Days' in the Transition action`)],
  ['expiration on the date of the transition', rule(`${test + dated('2027-01-01', 'GLACIER')}<Expiration><Date>2027-01-01</Date></Expiration>`), argument('Date', '2027-01-01', `'Date' in the Expiration action for ${scope} must be greater than 'Date' in the Transition action`)],
  ['noncurrent expiration with the transition', rule(test + noncurrent(180, 'DEEP_ARCHIVE') + noncurrentExpiration(180)), argument('NoncurrentDays', '180', `'NoncurrentDays' in the NoncurrentVersionExpiration action for ${scope} must be greater than 'NoncurrentDays' in the NoncurrentVersionTransition action`)],
  ['a colder class as soon', rule(test + transition(1, 'DEEP_ARCHIVE') + transition(1, 'GLACIER')), argument('Days', '1', `'Days' in the 'Transition' action for StorageClass 'DEEP_ARCHIVE' for ${scope} must be greater than 'Days' in the 'Transition' action for StorageClass 'GLACIER' for ${scope}`)],
  ['a colder class 60 days after GLACIER', rule(test + transition(30, 'GLACIER') + transition(90, 'DEEP_ARCHIVE')), argument('Days', '90', `'Days' in the 'Transition' action for StorageClass 'DEEP_ARCHIVE' for ${scope} must be 90 days more than '${scope}' in the 'Transition' action for StorageClass 'GLACIER'`)],
  ['a colder class 29 days after STANDARD_IA', rule(test + transition(30, 'STANDARD_IA') + transition(59, 'GLACIER')), { code: 'argument-invalid', detail: { name: 'Days', value: '59' } }],
  ['noncurrent classes in disorder', rule(test + noncurrent(90, 'GLACIER_IR') + noncurrent(30, 'GLACIER')), { code: 'argument-invalid', detail: { name: 'NoncurrentDays', value: '30' } }],
  // the schema
  ['status enabled', `<Rule><Status>enabled</Status>${all}${week}</Rule>`, malformed],
  ['status invalid', `<Rule><Status>invalid</Status>${all}${week}</Rule>`, malformed],
  ['no status', `<Rule>${all}${week}</Rule>`, malformed],
  ['neither filter nor prefix', rule(week), malformed],
  ['filter and prefix', rule(`<Prefix/>${all}${week}`), malformed],
  ['two conditions without And', rule(`<Filter><Prefix/><ObjectSizeGreaterThan>500</ObjectSizeGreaterThan></Filter>${week}`), malformed],
  ['a prefix and a tag without And', rule(`<Filter><Prefix>days1/</Prefix>${tag('tom', 'sawyer')}</Filter>${week}`), malformed],
  ['And beside a prefix', rule(`<Filter><And><Prefix>test</Prefix></And><Prefix/></Filter>${week}`), malformed],
  ['And with one condition', rule(`<Filter><And><Prefix>test</Prefix></And></Filter>${week}`), malformed],
  ['And with nothing', rule(`<Filter><And/></Filter>${week}`), malformed],
  ['And in And', rule(`<Filter><And><And/><Prefix/></And></Filter>${week}`), malformed],
  ['two tags without And', rule(`<Filter>${tag('a', '1')}${tag('b', '2')}</Filter>${week}`), malformed],
  ['a tag without a value', rule(`<Filter><Tag><Key>k</Key></Tag></Filter>${week}`), malformed],
  ['text as a filter', rule(`<Filter>prefix</Filter>${week}`), malformed],
  ['days and a marker', rule(`${all}<Expiration><Days>1</Days><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>`), malformed],
  ['days and a date', rule(`${all}<Expiration><Days>1</Days><Date>2026-01-01</Date></Expiration>`), malformed],
  ['an empty expiration', rule(`${all}<Expiration/>`), malformed],
  ['two expirations', rule(all + week + week), malformed],
  ['an HTTP date', rule(`${all}<Expiration><Date>Fri, 01 Jan 2016 00:00:00 GMT</Date></Expiration>`), malformed],
  ['days that are none', rule(`${all}<Expiration><Days>soon</Days></Expiration>`), malformed],
  ['a fraction of a day', rule(`${all}<Expiration><Days>0.5</Days></Expiration>`), malformed],
  ['a marker that is neither', rule(all + marker('maybe')), malformed],
  ['an empty noncurrent expiration', rule(`${all + week}<NoncurrentVersionExpiration/>`), malformed],
  ['a version count alone', rule(`${all}<NoncurrentVersionExpiration><NewerNoncurrentVersions>1</NewerNoncurrentVersions></NoncurrentVersionExpiration>`), malformed],
  ['a noncurrent transition without days', rule(`${all}<NoncurrentVersionTransition><StorageClass>GLACIER</StorageClass></NoncurrentVersionTransition>`), malformed],
  ['a transition without a class', rule(`${all}<Transition><Days>1</Days></Transition>`), malformed],
  ['an empty transition', rule(`${all}<Transition/>`), malformed],
  ['a transition to nowhere', rule(all + transition(1, 'OUTPOSTS')), malformed],
  ['a transition by days and date', rule(`${all}<Transition><Days>1</Days><Date>2026-01-01</Date><StorageClass>GLACIER</StorageClass></Transition>`), malformed],
  ['an empty abort', rule(`${all}<AbortIncompleteMultipartUpload/>`), malformed],
  ['an unknown element', rule(`${all}${week}<Unknown/>`), malformed],
  ['something beside rules', `${rule(all + week)}<Other/>`, malformed],
] // biome-ignore format: a table

for (const [what, rules, expected] of refused)
  t.test(`parseLifecycle: ${what} → refused`, async t => {
    t.match(parse(rules), expected)
  })

t.test('parseLifecycle: a filter in a message → all its conditions', async t => {
  const filter =
    `<Filter><And><Prefix>test/</Prefix>${tag('archive', 'true')}<ObjectSizeGreaterThan>500</ObjectSizeGreaterThan>` +
    '<ObjectSizeLessThan>120120</ObjectSizeLessThan></And></Filter>'
  const refused = parse(rule(filter + noncurrent(1, 'GLACIER') + noncurrentExpiration(1)))
  t.match(refused, {
    detail: {
      message:
        "'NoncurrentDays' in the NoncurrentVersionExpiration action for filter '(prefix=test/ and tag={key=archive, " +
        "value=true} and objectsizegreaterthan=500 and objectsizelessthan=120120)' must be greater than " +
        "'NoncurrentDays' in the NoncurrentVersionTransition action",
    },
  })
})

t.test('parseLifecycle: not a document, another root → malformed', async t => {
  for (const body of ['', 'x', '<Lifecycle/>', '<LifecycleConfiguration>'])
    t.match(parseLifecycle(Buffer.from(body), '', String), malformed, body)
})

t.test('parseLifecycle: 1,000 rules of the largest kind → all of them, within the limit of the body', async t => {
  const tags = Array.from({ length: 10 }, (_, i) => tag(`key-${i}`, 'v'.repeat(100))).join('')
  const large = (i: number) =>
    rule(
      `<ID>${String(i).padStart(255, '0')}</ID><Filter><And><Prefix>${'p'.repeat(1024)}</Prefix>${tags}</And></Filter>${week}`,
    )
  const body = document(Array.from({ length: 1000 }, (_, i) => large(i)).join(''))
  t.ok(body.length < 4 * 1024 * 1024, `${body.length} bytes`)
  const configuration = parseLifecycle(body, '', String)
  t.equal(configuration instanceof Fault ? configuration.code : configuration.rules.length, 1000)
})

t.test('the minimum size of transitions: header → kept; absent → the default; unknown → refused', async t => {
  const minimum = (header: string) => parse(rule(all + week), header)
  t.match(minimum(''), { transitionMinimum: 'all_storage_classes_128K' })
  t.match(minimum('varies_by_storage_class'), { transitionMinimum: 'varies_by_storage_class' })
  t.match(minimum('value'), request('Invalid TransitionDefaultMinimumObjectSize found: value'))
})

t.test('renderLifecycle: → elements in the order of S3, an empty filter as one', async t => {
  const xml = renderLifecycle(
    parsed(
      rule(
        abort(3) +
          noncurrentExpiration(200) +
          noncurrent(30, 'GLACIER') +
          week.replace('7', '99') +
          transition(0, 'GLACIER_IR') +
          all +
          '<ID>testglacierrule</ID>',
      ),
    ),
  )
  t.same(
    parseXml(Buffer.from(xml))!.children[0]!.children.map(child => child.name),
    [
      'ID',
      'Filter',
      'Status',
      'Transition',
      'Expiration',
      'NoncurrentVersionTransition',
      'NoncurrentVersionExpiration',
      'AbortIncompleteMultipartUpload',
    ],
  )
  t.match(xml, '<ID>testglacierrule</ID><Filter/><Status>Enabled</Status><Transition><Days>0</Days>')
  const date = renderLifecycle(parsed(rule(`${all}<Expiration><Date>2023-01-01</Date></Expiration>`)))
  t.match(date, '<Expiration><Date>2023-01-01T00:00:00.000Z</Date></Expiration>')
})

t.test('expirationHeader: → date and rule, spaces as they are, the rest encoded', async t => {
  const atMs = Date.UTC(2012, 11, 21)
  t.equal(
    expirationHeader({ atMs, ruleId: 'Rule for testfile.txt' }),
    'expiry-date="Fri, 21 Dec 2012 00:00:00 GMT", rule-id="Rule for testfile.txt"',
  )
  t.equal(
    expirationHeader({ atMs, ruleId: 'a"b%\r\né🪣' }),
    'expiry-date="Fri, 21 Dec 2012 00:00:00 GMT", rule-id="a%22b%25%0D%0A%C3%A9%F0%9F%AA%A3"',
  )
})

t.test('abortHeaders: → date and rule', async t => {
  t.same(abortHeaders({ atMs: Date.UTC(2025, 7, 19), ruleId: 'abort' }), [
    'x-amz-abort-date',
    'Tue, 19 Aug 2025 00:00:00 GMT',
    'x-amz-abort-rule-id',
    'abort',
  ])
})
