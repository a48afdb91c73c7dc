/** What a lifecycle does and when: the User Guide's examples, and what public suites expect of short days. */
import t from 'tap'
import {
  abortOf,
  dueActions,
  expirationOf,
  type LifecycleStack,
  type LifecycleVersion,
  mostKept,
} from '../../gateway/rules/lifecycle.ts'
import { Fault } from '../../protocol/fault.ts'
import { msPerDay } from '../../protocol/s3/due-date.ts'
import { parseLifecycle } from '../../protocol/s3/lifecycle.ts'
import type { LifecycleConfiguration } from '../../protocol/s3/lifecycle-rule.ts'

/** A configuration of rules `[filter, actions]` named r0, r1 … */
const rules = (...inside: readonly (readonly [filter: string, actions: string])[]): LifecycleConfiguration => {
  const xml = inside
    .map(([filter, actions], i) => `<Rule><ID>r${i}</ID><Status>Enabled</Status>${filter}${actions}</Rule>`)
    .join('')
  const configuration = parseLifecycle(
    Buffer.from(`<LifecycleConfiguration>${xml}</LifecycleConfiguration>`),
    '',
    String,
  )
  if (configuration instanceof Fault) throw new Error(JSON.stringify(configuration))
  return configuration
}
const all = '<Filter/>'
const prefix = (text: string) => `<Filter><Prefix>${text}</Prefix></Filter>`
const tagFilter = (key: string, value: string) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`
const expire = (days: number) => `<Expiration><Days>${days}</Days></Expiration>`
const expireOn = (date: string) => `<Expiration><Date>${date}</Date></Expiration>`
const cleanMarkers = '<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>'
const move = (days: number, storageClass: string) =>
  `<Transition><Days>${days}</Days><StorageClass>${storageClass}</StorageClass></Transition>`
const old = (days: number, newer?: number) =>
  `<NoncurrentVersionExpiration><NoncurrentDays>${days}</NoncurrentDays>` +
  `${newer === undefined ? '' : `<NewerNoncurrentVersions>${newer}</NewerNoncurrentVersions>`}</NoncurrentVersionExpiration>`
const moveOld = (days: number, storageClass: string, newer?: number) =>
  `<NoncurrentVersionTransition><NoncurrentDays>${days}</NoncurrentDays>` +
  `${newer === undefined ? '' : `<NewerNoncurrentVersions>${newer}</NewerNoncurrentVersions>`}` +
  `<StorageClass>${storageClass}</StorageClass></NoncurrentVersionTransition>`
const abort = (days: number) =>
  `<AbortIncompleteMultipartUpload><DaysAfterInitiation>${days}</DaysAfterInitiation></AbortIncompleteMultipartUpload>`

const start = Date.UTC(2014, 0, 15, 10, 30)
const at = (days: number) => start + days * msPerDay
const object = (key: string, more: object = {}) => ({
  key,
  sizeBytes: 1_000_000,
  tags: [],
  modifiedAtMs: start,
  ...more,
})

let lastSeq = 0
const version = (modifiedAtMs: number, more: Partial<LifecycleVersion> = {}): LifecycleVersion => ({
  seq: ++lastSeq,
  marker: false,
  sizeBytes: 1_000_000,
  tags: [],
  modifiedAtMs,
  storageClass: 'STANDARD',
  ...more,
})
const marker = (modifiedAtMs: number) => version(modifiedAtMs, { marker: true, sizeBytes: 0 })
/** Newest first. */
const stack = (key: string, ...versions: LifecycleVersion[]): LifecycleStack => ({
  key,
  versions,
  expiryDestroys: false,
})
const single = (key: string, one: LifecycleVersion): LifecycleStack => ({ ...stack(key, one), expiryDestroys: true })
const kinds = (configuration: LifecycleConfiguration, of: LifecycleStack, nowMs: number, dayMs = msPerDay) =>
  dueActions(configuration, of, nowMs, dayMs).map(action => [
    of.versions.indexOf(action.version),
    action.kind === 'transition' ? action.storageClass : action.kind,
    action.ruleId,
  ])

t.test('expirationOf: days → after so many, at the next midnight UTC', async t => {
  const configuration = rules([all, expire(3)])
  t.same(expirationOf(configuration, object('k'), msPerDay), { atMs: Date.UTC(2014, 0, 19), ruleId: 'r0' })
  t.same(expirationOf(configuration, object('k'), 10_000), { atMs: start + 30_000, ruleId: 'r0' })
})

t.test('expirationOf: a date → that midnight, also when it is past', async t => {
  t.same(expirationOf(rules([all, expireOn('2012-12-21')]), object('k'), 10_000), {
    atMs: Date.UTC(2012, 11, 21),
    ruleId: 'r0',
  })
})

t.test('expirationOf: several rules → the shortest; of equals the one listed first', async t => {
  const ruleOf = (configuration: LifecycleConfiguration, key: string) =>
    expirationOf(configuration, object(key), msPerDay)?.ruleId
  t.equal(ruleOf(rules([all, expire(365)], [prefix('logs/'), expire(14)], [all, expire(30)]), 'logs/a'), 'r1')
  const equal = rules([prefix('testobject'), expire(7)], [prefix('test'), expire(7)], [prefix('t'), expire(7)])
  t.equal(ruleOf(equal, 'testobject-expiry'), 'r0')
  t.equal(ruleOf(equal, 'test-one-rule'), 'r1')
  t.equal(ruleOf(equal, 'no-rules'), undefined)
})

t.test('expirationOf: filters by size → strictly between', async t => {
  const bySize = rules(
    ['<Filter><ObjectSizeGreaterThan>20</ObjectSizeGreaterThan></Filter>', expire(7)],
    ['<Filter><ObjectSizeLessThan>10</ObjectSizeLessThan></Filter>', expire(7)],
  )
  const ruleOf = (sizeBytes: number) => expirationOf(bySize, object('k', { sizeBytes }), msPerDay)?.ruleId
  t.same([0, 9, 10, 15, 20, 21].map(ruleOf), ['r1', 'r1', undefined, undefined, undefined, 'r0'])
})

t.test('expirationOf: filters by tag → key and value, all of them', async t => {
  const byTag = rules(
    [`<Filter>${tagFilter('one', 'yes')}</Filter>`, expire(7)],
    [`<Filter><And>${tagFilter('two', 'yes')}${tagFilter('three', 'yes')}</And></Filter>`, expire(6)],
  )
  const ruleOf = (...tags: string[]) =>
    expirationOf(byTag, object('k', { tags: tags.map(key => ({ key, value: 'yes' })) }), msPerDay)?.ruleId
  t.equal(ruleOf(), undefined)
  t.equal(ruleOf('one', 'other'), 'r0')
  t.equal(ruleOf('two'), undefined)
  t.equal(ruleOf('three', 'one', 'two'), 'r1')
  t.equal(expirationOf(byTag, object('k', { tags: [{ key: 'one', value: 'no' }] }), msPerDay), undefined)
})

t.test('expirationOf: disabled rules, marker clean-up, other actions → none', async t => {
  const configuration = rules([all, cleanMarkers + old(1) + move(1, 'GLACIER') + abort(1)])
  t.equal(expirationOf(configuration, object('k'), msPerDay), undefined)
  const disabled = rules([all, expire(1)])
  const off = { ...disabled, rules: disabled.rules.map(rule => ({ ...rule, enabled: false })) }
  t.equal(expirationOf(off, object('k'), msPerDay), undefined)
  t.same(dueActions(off, single('k', version(start)), at(99), msPerDay), [])
})

t.test('abortOf: the rule due first, by prefix', async t => {
  const configuration = rules([all, abort(7)], [prefix('a/'), abort(2)], [prefix('b/'), expire(1)])
  t.same(abortOf(configuration, 'a/k', start, msPerDay), { atMs: Date.UTC(2014, 0, 18), ruleId: 'r1' })
  t.same(abortOf(configuration, 'b/k', start, 1000), { atMs: start + 7000, ruleId: 'r0' })
  t.equal(abortOf(rules([prefix('a/'), abort(1)]), 'b', start, msPerDay), undefined)
})

t.test('dueActions: before its time → nothing; at its time → expired', async t => {
  const configuration = rules([prefix('logs/'), expire(3)])
  const logs = single('logs/a', version(start))
  t.same(kinds(configuration, logs, Date.UTC(2014, 0, 19) - 1), [])
  t.same(kinds(configuration, logs, Date.UTC(2014, 0, 19)), [[0, 'expire-current', 'r0']])
  t.same(kinds(configuration, logs, start + 29_999, 10_000), [])
  t.same(kinds(configuration, logs, start + 30_000, 10_000), [[0, 'expire-current', 'r0']])
  t.same(kinds(configuration, single('other/a', version(start)), at(99)), [])
})

t.test('dueActions: no versions at all → nothing', async t => {
  t.same(dueActions(rules([all, expire(1)]), stack('k'), at(9), msPerDay), [])
})

t.test('dueActions: a noncurrent version → its age counts from its successor', async t => {
  const configuration = rules([all, old(5)])
  // Made on the 1st, deleted on the 2nd at 11:30, gone on the 8th at 0:00.
  const made = Date.UTC(2014, 0, 1, 10, 30)
  const deleted = stack('photo.gif', marker(Date.UTC(2014, 0, 2, 11, 30)), version(made))
  t.same(kinds(configuration, deleted, Date.UTC(2014, 0, 8) - 1), [])
  t.same(kinds(configuration, deleted, Date.UTC(2014, 0, 8)), [[1, 'delete-version', 'r0']])
  const replaced = stack('k', version(at(100)), version(at(3)), version(at(2)), version(start))
  t.same(kinds(configuration, replaced, at(9)), [
    [2, 'delete-version', 'r0'],
    [3, 'delete-version', 'r0'],
  ])
})

t.test('dueActions: newer noncurrent versions → so many are kept, whatever their age', async t => {
  const ten = stack('myobject_', ...Array.from({ length: 10 }, (_, i) => version(start + 9 - i)))
  const removed = kinds(rules([prefix(''), old(1, 5)]), ten, at(30))
  t.same(
    removed,
    [6, 7, 8, 9].map(i => [i, 'delete-version', 'r0']),
  )
  t.same(kinds(rules([all, old(30, 5)]), ten, at(2)), [], 'nor before their age')
  const both = kinds(rules([all, old(1, 8)], [all, old(1, 3)]), ten, at(30))
  t.same(
    both.map(([i]) => i),
    [4, 5, 6, 7, 8, 9],
  )
})

t.test('dueActions: noncurrent delete markers → removed as versions are, by filters without tags', async t => {
  const versions = stack('k', version(at(3)), marker(at(2)), version(at(1)))
  t.same(kinds(rules([all, old(1)]), versions, at(9)), [
    [1, 'delete-version', 'r0'],
    [2, 'delete-version', 'r0'],
  ])
  const empty = '<Filter><ObjectSizeLessThan>1</ObjectSizeLessThan></Filter>'
  t.same(kinds(rules([empty, old(1)]), versions, at(9)), [[1, 'delete-version', 'r0']])
  t.same(kinds(rules([`<Filter>${tagFilter('a', 'b')}</Filter>`, old(1)]), versions, at(9)), [])
})

t.test('dueActions: a noncurrent version with tags and size → its own count', async t => {
  const versions = stack(
    'k',
    version(at(2)),
    version(at(1), { tags: [{ key: 'a', value: 'b' }] }),
    version(start, { sizeBytes: 5 }),
  )
  t.same(kinds(rules([`<Filter>${tagFilter('a', 'b')}</Filter>`, old(1)]), versions, at(9)), [
    [1, 'delete-version', 'r0'],
  ])
  const large = '<Filter><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></Filter>'
  t.same(kinds(rules([large, old(1)]), versions, at(9)), [[1, 'delete-version', 'r0']])
})

t.test('dueActions: a delete marker alone → removed, by a rule for markers or by one that expires', async t => {
  const alone = stack('k', marker(start))
  t.same(kinds(rules([all, cleanMarkers]), alone, at(1)), [[0, 'remove-marker', 'r0']])
  t.same(kinds(rules([all, cleanMarkers]), alone, start, 10_000), [[0, 'remove-marker', 'r0']])
  t.same(kinds(rules([all, expire(5)]), alone, at(5)), [])
  t.same(kinds(rules([all, expire(5)]), alone, at(6)), [[0, 'remove-marker', 'r0']])
  t.same(kinds(rules([all, expireOn('2014-01-01')]), alone, at(0)), [[0, 'remove-marker', 'r0']])
  t.same(kinds(rules([prefix('other'), cleanMarkers]), alone, at(9)), [])
  t.same(kinds(rules([all, cleanMarkers.replace('true', 'false')]), alone, at(9)), [])
  t.same(kinds(rules([`<Filter>${tagFilter('a', 'b')}</Filter>`, expire(1)]), alone, at(9)), [])
})

t.test('dueActions: a delete marker that hides versions → stays', async t => {
  const hiding = stack('k', marker(at(1)), version(start))
  t.same(kinds(rules([all, cleanMarkers], [all, expire(1)]), hiding, at(99)), [])
})

t.test('dueActions: a current version over others → only itself expires', async t => {
  const versions = stack('k', version(at(2)), version(start))
  t.same(kinds(rules([all, expire(1)]), versions, at(9)), [[0, 'expire-current', 'r0']])
})

t.test('dueActions: transitions → the one due, then the next', async t => {
  const tiers = rules([all, move(30, 'STANDARD_IA') + move(90, 'GLACIER') + expire(365)])
  const of = (storageClass: string) => single('k', version(start, { storageClass }))
  t.same(kinds(tiers, of('STANDARD'), at(29)), [])
  t.same(kinds(tiers, of('STANDARD'), at(31)), [[0, 'STANDARD_IA', 'r0']])
  t.same(kinds(tiers, of('STANDARD_IA'), at(89)), [])
  t.same(kinds(tiers, of('STANDARD_IA'), at(91)), [[0, 'GLACIER', 'r0']])
  t.same(kinds(tiers, of('STANDARD'), at(91)), [[0, 'GLACIER', 'r0']], 'the colder of two')
  t.same(kinds(tiers, of('GLACIER'), at(91)), [])
  t.same(kinds(tiers, of('GLACIER'), at(366)), [[0, 'expire-current', 'r0']])
})

const classes = [
  'STANDARD',
  'STANDARD_IA',
  'INTELLIGENT_TIERING',
  'ONEZONE_IA',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
]
/** Which of the columns an object in the row's class may move to. */
const waterfall: readonly (readonly [from: string, to: string])[] = [
  ['REDUCED_REDUNDANCY', '-xxxxxx'],
  ['STANDARD', '-xxxxxx'],
  ['STANDARD_IA', '--xxxxx'],
  ['INTELLIGENT_TIERING', '---xxxx'],
  ['ONEZONE_IA', '-----xx'],
  ['GLACIER_IR', '-----xx'],
  ['GLACIER', '------x'],
  ['DEEP_ARCHIVE', '-------'],
  ['OUTPOSTS', '-------'],
]
t.test('dueActions: the waterfall → no class is left but for those below it', async t => {
  for (const [from, allowed] of waterfall)
    for (const [i, to] of classes.entries()) {
      if (to === 'STANDARD') continue
      const due = kinds(rules([all, move(30, to)]), single('k', version(start, { storageClass: from })), at(99))
      t.same(due, allowed[i] === 'x' ? [[0, to, 'r0']] : [], `${from} → ${to}`)
    }
})

t.test('dueActions: several transitions due → the least expensive, but INTELLIGENT_TIERING before most', async t => {
  const due = (...to: string[]) =>
    kinds(rules(...to.map(storageClass => [all, move(30, storageClass)] as const)), single('k', version(start)), at(99))
  t.same(due('STANDARD_IA', 'GLACIER'), [[0, 'GLACIER', 'r1']])
  t.same(due('GLACIER', 'DEEP_ARCHIVE'), [[0, 'DEEP_ARCHIVE', 'r1']])
  t.same(due('GLACIER_IR', 'ONEZONE_IA'), [[0, 'GLACIER_IR', 'r0']])
  t.same(due('STANDARD_IA', 'ONEZONE_IA', 'GLACIER_IR', 'INTELLIGENT_TIERING'), [[0, 'INTELLIGENT_TIERING', 'r3']])
  t.same(due('INTELLIGENT_TIERING', 'GLACIER'), [[0, 'GLACIER', 'r1']])
})

t.test('dueActions: small objects → stay, unless the bucket or the filter says otherwise', async t => {
  const small = single('k', version(start, { sizeBytes: 128 * 1024 - 1 }))
  const enough = single('k', version(start, { sizeBytes: 128 * 1024 }))
  for (const to of classes.slice(1)) {
    const usual = rules([all, move(30, to)])
    const varies: LifecycleConfiguration = { ...usual, transitionMinimum: 'varies_by_storage_class' }
    const bySize = rules(['<Filter><ObjectSizeGreaterThan>0</ObjectSizeGreaterThan></Filter>', move(30, to)])
    const isArchive = to === 'GLACIER' || to === 'DEEP_ARCHIVE'
    t.same(kinds(usual, small, at(99)), [], to)
    t.same(kinds(usual, enough, at(99)), [[0, to, 'r0']], to)
    t.same(kinds(varies, small, at(99)), isArchive ? [[0, to, 'r0']] : [], to)
    t.same(kinds(bySize, small, at(99)), [[0, to, 'r0']], to)
  }
})

t.test('dueActions: conflicts → permanent deletion, then transition, then delete markers', async t => {
  const conflict = rules([prefix('logs/'), expire(365)], [prefix('logs/'), move(365, 'STANDARD_IA')])
  t.same(kinds(conflict, single('logs/a', version(start)), at(366)), [[0, 'expire-current', 'r0']])
  t.same(kinds(conflict, stack('logs/a', version(start)), at(366)), [[0, 'STANDARD_IA', 'r1']])
  const moved = stack('logs/a', version(start, { storageClass: 'STANDARD_IA' }))
  t.same(kinds(conflict, moved, at(366)), [[0, 'expire-current', 'r0']], 'then it expires')
  const noncurrent = rules([all, old(1)], [all, moveOld(1, 'GLACIER')])
  t.same(kinds(noncurrent, stack('k', version(at(1)), version(start)), at(9)), [[1, 'delete-version', 'r0']])
  const tags = [
    { key: 'tag1', value: 'v' },
    { key: 'tag2', value: 'v' },
  ]
  const byTag = rules(
    [`<Filter>${tagFilter('tag1', 'v')}</Filter>`, move(365, 'GLACIER')],
    [`<Filter>${tagFilter('tag2', 'v')}</Filter>`, expire(14)],
  )
  t.same(kinds(byTag, single('k', version(start, { tags })), at(15)), [[0, 'expire-current', 'r1']])
})

t.test('dueActions: noncurrent transitions → by age and count, not for markers', async t => {
  const configuration = rules([all, moveOld(3, 'GLACIER', 1)])
  const versions = stack('k', version(at(9)), version(at(8)), marker(at(7)), version(at(6)), version(at(1)))
  t.same(kinds(configuration, versions, at(20)), [
    [3, 'GLACIER', 'r0'],
    [4, 'GLACIER', 'r0'],
  ])
  t.same(kinds(configuration, versions, at(10)), [[4, 'GLACIER', 'r0']])
  const small = '<Filter><ObjectSizeLessThan>9</ObjectSizeLessThan></Filter>'
  t.same(kinds(rules([small, moveOld(3, 'GLACIER')]), versions, at(20)), [])
})

/** Does what is due until nothing is left, as a sweeper would on a versioned bucket. */
function sweep(
  configuration: LifecycleConfiguration,
  of: LifecycleStack,
  nowMs: number,
  dayMs: number,
): LifecycleStack {
  for (let round = 0; round < 20; round++) {
    const actions = dueActions(configuration, of, nowMs, dayMs)
    if (actions.length === 0) return of
    let versions = [...of.versions]
    for (const action of actions) {
      if (action.kind === 'expire-current') {
        if (of.expiryDestroys) versions = versions.filter(one => one !== action.version)
        else versions.unshift(marker(nowMs))
      } else if (action.kind === 'transition')
        versions = versions.map(one => (one === action.version ? { ...one, storageClass: action.storageClass } : one))
      else versions = versions.filter(one => one !== action.version)
    }
    of = { ...of, versions }
  }
  throw new Error('there is always something due')
}
const day = 10_000
const left = (of: LifecycleStack) => of.versions.map(one => (one.marker ? 'marker' : one.storageClass))

t.test('sweeping: expired, then deleted, then the marker cleaned up → nothing left', async t => {
  const configuration = rules([prefix('test1/'), expire(60) + old(30)])
  let of = stack('test1/a', version(start))
  of = sweep(configuration, of, at(59), msPerDay)
  t.same(left(of), ['STANDARD'])
  of = sweep(configuration, of, at(61), msPerDay)
  t.same(left(of), ['marker', 'STANDARD'])
  of = sweep(configuration, of, at(93), msPerDay)
  t.same(left(of), ['marker'])
  of = sweep(configuration, of, at(123), msPerDay)
  t.same(left(of), [])
})

t.test('sweeping: versions under a marker, short days → versions first, the marker when it is old enough', async t => {
  const configuration = rules([prefix('test1/'), old(1) + expire(5)])
  let of = stack('test1/a', marker(start), version(start - 10))
  of = sweep(configuration, of, start + 2 * day, day)
  t.same(left(of), ['marker'])
  t.same(left(sweep(configuration, of, start + 6 * day, day)), [])
  const cleaned = rules([prefix('test1/'), old(1) + cleanMarkers])
  t.same(left(sweep(cleaned, stack('test1/a', marker(start), version(start - 10)), start + day, day)), [])
})

t.test('sweeping: noncurrent versions, short days → down the classes and out', async t => {
  const configuration = rules([prefix('test1/'), moveOld(1, 'INTELLIGENT_TIERING') + moveOld(5, 'GLACIER') + old(9)])
  let of = stack('test1/b', version(start + 2), version(start + 1), version(start))
  of = sweep(configuration, of, start + 4 * day, day)
  t.same(left(of), ['STANDARD', 'INTELLIGENT_TIERING', 'INTELLIGENT_TIERING'])
  of = sweep(configuration, of, start + 8 * day, day)
  t.same(left(of), ['STANDARD', 'GLACIER', 'GLACIER'])
  of = sweep(configuration, of, start + 14 * day, day)
  t.same(left(of), ['STANDARD'])
})

t.test('sweeping: everything due at once → comes to an end', async t => {
  const configuration = rules(
    [all, move(30, 'STANDARD_IA')],
    [all, move(30, 'ONEZONE_IA')],
    [all, move(30, 'INTELLIGENT_TIERING')],
    [all, move(30, 'GLACIER_IR')],
    [all, expire(31) + moveOld(30, 'DEEP_ARCHIVE') + old(60)],
  )
  t.same(left(sweep(configuration, stack('k', version(start)), at(1000), msPerDay)), ['marker', 'GLACIER_IR'])
})

t.test('dueActions: a key in pieces, cut anywhere → what is due of it in one', async t => {
  const configuration = rules([all, old(3, 2) + moveOld(1, 'GLACIER') + expire(9)])
  const most = mostKept(configuration)
  t.equal(most, 2)
  for (const marker of [false, true]) {
    const versions = Array.from({ length: 7 }, (_, i) => version(at(10 - i), { marker: i === 0 ? marker : i === 4 }))
    const whole = dueActions(configuration, { key: 'a', versions, expiryDestroys: false }, at(13), msPerDay)
    t.ok(whole.length > 3)
    for (let cut = 1; cut < versions.length; cut++) {
      const above = { noncurrent: Math.min(cut - 1, most), modifiedAtMs: versions[cut - 1]!.modifiedAtMs }
      const pieces = [
        { key: 'a', versions: versions.slice(0, cut), expiryDestroys: false },
        { key: 'a', versions: versions.slice(cut), expiryDestroys: false, above },
      ]
      // A marker that is cut off alone looks like the last of its key: whoever cuts reads two versions at least.
      if (marker && cut === 1) continue
      const apart = pieces.flatMap(piece => dueActions(configuration, piece, at(13), msPerDay))
      t.same(apart, whole, `marker ${marker}, cut at ${cut}`)
    }
  }
})
