/**
 * Server access logs: one line a request, and the keys of the objects that hold the lines. Source: S3 User Guide, "Amazon
 * S3 server access log format" and "Logging requests with server access logging".
 */
import { accessLogRecords } from './access-log-operations.ts'
import type { LogKeyFormat } from './bucket-logging.ts'
import { encodeFormKey } from './form-key.ts'

/** What a line says; what is absent or empty is written '-'. */
export interface AccessLogEntry {
  /** Canonical id. */
  readonly bucketOwner: string
  readonly bucket: string
  /** When the request was received. */
  readonly atMs: number
  readonly remoteIp?: string | undefined
  /** Canonical id, or the ARN of a user or role; absent for an anonymous request. */
  readonly requester?: string | undefined
  readonly requestId: string
  /** See access-log-operations.ts. */
  readonly operation: string
  /** As it is. */
  readonly key?: string | undefined
  /** `GET /bucket/key?query HTTP/1.1`, as sent. */
  readonly requestUri?: string | undefined
  readonly status?: number | undefined
  readonly errorCode?: string | undefined
  /** Of the answer's body. */
  readonly bytesSent?: number | undefined
  readonly objectSize?: number | undefined
  /** From the request's arrival to the answer's last byte. */
  readonly totalMs?: number | undefined
  /** From the request's last byte to the answer's first. */
  readonly turnAroundMs?: number | undefined
  readonly referer?: string | undefined
  readonly userAgent?: string | undefined
  /** The one in the request's query. */
  readonly versionId?: string | undefined
  readonly hostId?: string | undefined
  readonly signatureVersion?: 'SigV2' | 'SigV4' | undefined
  readonly cipherSuite?: string | undefined
  readonly authenticationType?: 'AuthHeader' | 'QueryString' | undefined
  readonly hostHeader?: string | undefined
  readonly tlsVersion?: string | undefined
  readonly accessPointArn?: string | undefined
  /** The request was let through by an ACL. */
  readonly aclRequired?: boolean | undefined
  readonly sourceRegion?: string | undefined
}

/** One line with its newline, of 27 fields. */
export function renderAccessLogLine(entry: AccessLogEntry): string {
  const fields = [
    word(entry.bucketOwner),
    word(entry.bucket),
    formatLogTime(entry.atMs),
    word(entry.remoteIp),
    word(entry.requester),
    word(entry.requestId),
    word(entry.operation),
    word(encodeLogKey(entry.key, entry.operation)),
    quoted(entry.requestUri === undefined ? undefined : maskSignature(entry.requestUri)),
    number(entry.status),
    word(entry.errorCode),
    // "or - if zero"
    entry.bytesSent === 0 ? '-' : number(entry.bytesSent),
    number(entry.objectSize),
    number(entry.totalMs),
    number(entry.turnAroundMs),
    quoted(entry.referer),
    quoted(entry.userAgent),
    word(entry.versionId),
    word(entry.hostId),
    word(entry.signatureVersion),
    word(entry.cipherSuite),
    word(entry.authenticationType),
    word(entry.hostHeader),
    word(entry.tlsVersion),
    word(entry.accessPointArn),
    entry.aclRequired === true ? 'Yes' : '-',
    word(entry.sourceRegion),
  ]
  return `${fields.join(' ')}\n`
}

const unsafeInWord = /[\u0000-\u0020\u007f"]/g
const unsafeInQuotes = /[\u0000-\u001f\u007f"]/g

/** A field without quotes: nothing in it may end it, or the line. */
function word(text: string | undefined): string {
  return text === undefined || text === '' ? '-' : text.replace(unsafeInWord, escapeByte)
}
/** A field within quotes: `"-"` when there is none. */
function quoted(text: string | undefined): string {
  return `"${text === undefined || text === '' ? '-' : text.replace(unsafeInQuotes, escapeByte)}"`
}
function escapeByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}
function number(value: number | undefined): string {
  return value === undefined ? '-' : String(Math.round(value))
}

const encodedOnce: ReadonlySet<string> = new Set([accessLogRecords.deletedKey, accessLogRecords.expiredObject])

/**
 * Keys are encoded as in a form, and then once more, but for their slashes; once only in the records of keys that no
 * request's path named.
 */
function encodeLogKey(key: string | undefined, operation: string): string {
  if (key === undefined || key === '') return ''
  const once = encodeFormKey(key)
  return encodedOnce.has(operation) ? once : encodeFormKey(once)
}
/** A presigned URL's signature is not for those who read logs. */
function maskSignature(uri: string): string {
  return uri.replace(/([?&](?:X-Amz-Signature|Signature)=)[^&\s]*/gi, '$1XXXXXXXX')
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `[06/Feb/2019:00:00:38 +0000]` */
function formatLogTime(ms: number): string {
  const iso = new Date(ms).toISOString()
  const month = months[Number(iso.slice(5, 7)) - 1]
  return `[${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000]`
}

export interface LogObject {
  readonly prefix: string
  readonly format: LogKeyFormat | undefined
  readonly sourceAccount: string
  readonly sourceRegion: string
  readonly sourceBucket: string
  /** When the log object is written. */
  readonly deliveredAtMs: number
  /** When its requests were received: all of one day, where the format goes by it. */
  readonly eventsAtMs: number
  /** Tells objects of one second apart; carries no meaning. S3's are 16 hexadecimal digits. */
  readonly uniqueString: string
}

/**
 * The key of a log object: `prefixYYYY-MM-DD-hh-mm-ss-unique`, or partitioned
 * `prefixaccount/region/bucket/YYYY/MM/DD/YYYY-MM-DD-hh-mm-ss-unique`, by when it is written or, without a time of day, by
 * when its requests were received.
 */
export function accessLogKey(object: LogObject): string {
  const { prefix, format, uniqueString, deliveredAtMs, eventsAtMs } = object
  if (format?.partitioned === undefined) return `${prefix}${stamp(deliveredAtMs)}-${uniqueString}`
  const time =
    format.partitioned.dateSource === 'DeliveryTime'
      ? stamp(deliveredAtMs)
      : `${stamp(eventsAtMs).slice(0, 'YYYY-MM-DD'.length)}-00-00-00`
  const [year, month, day] = time.split('-')
  const source = `${object.sourceAccount}/${object.sourceRegion}/${object.sourceBucket}`
  return `${prefix}${source}/${year}/${month}/${day}/${time}-${uniqueString}`
}

/** `2019-02-06-00-20-32` */
function stamp(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replaceAll(/[T:]/g, '-')
}
