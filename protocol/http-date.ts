/** Dates as HTTP headers and S3's documents write them, in milliseconds since 1970. */

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Seconds recently formatted. Answers of one moment share their dates; the bound is what keeps the map small. */
const formatted = new Map<number, string>()
const formattedLimit = 1024

/** `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7); milliseconds are dropped. */
export function formatHttpDate(ms: number): string {
  const second = Math.floor(ms / 1000)
  const known = formatted.get(second)
  if (known !== undefined) return known
  const text = new Date(second * 1000).toUTCString()
  if (formatted.size >= formattedLimit) formatted.clear()
  formatted.set(second, text)
  return text
}

const msPerDay = 86_400_000
const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'))
/** The day last formatted: the objects of a page mostly share theirs, and a page has a thousand. */
let formattedDay = Number.NaN
let formattedDayText = ''

/** `2006-02-03T16:45:09.000Z`. S3 keeps whole seconds of an object's time and always writes the zeros. */
export function formatIsoDate(ms: number): string {
  const day = Math.floor(ms / msPerDay)
  if (day !== formattedDay) {
    formattedDayText = new Date(ms).toISOString().slice(0, -13)
    formattedDay = day
  }
  const second = Math.floor((ms - day * msPerDay) / 1000)
  const minute = Math.floor(second / 60)
  const hour = Math.floor(minute / 60)
  return `${formattedDayText}${twoDigits[hour]}:${twoDigits[minute % 60]}:${twoDigits[second % 60]}.000Z`
}

const rfc1123 = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC|[+-]0000)$/
const rfc850 =
  /^(?:Sun|Mon|Tues|Wednes|Thurs|Fri|Satur)day, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/
const asctime = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/

/** One of HTTP's three date forms; undefined for anything else. A wrong name of a weekday is not minded. */
export function parseHttpDate(text: string): number | undefined {
  let match = rfc1123.exec(text)
  if (match !== null) return moment(Number(match[3]), match[2]!, match[1]!, match[4]!, match[5]!, match[6]!)
  match = rfc850.exec(text)
  if (match !== null) {
    // Two digits of a year: RFC 9110 asks for the century that is not far ahead; no clock here, so POSIX's pivot.
    const year = Number(match[3])
    return moment(year < 69 ? 2000 + year : 1900 + year, match[2]!, match[1]!, match[4]!, match[5]!, match[6]!)
  }
  match = asctime.exec(text)
  if (match !== null) return moment(Number(match[6]), match[1]!, match[2]!, match[3]!, match[4]!, match[5]!)
  return undefined
}

function moment(year: number, month: string, day: string, hour: string, minute: string, second: string) {
  const monthIndex = months.indexOf(month)
  // A leap second (60) counts as the next minute's first.
  if (monthIndex < 0 || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, monthIndex, Number(day))
  // Impossible days (31 April) would roll over into the next month.
  if (date.getUTCMonth() !== monthIndex || date.getUTCDate() !== Number(day)) return undefined
  return date.setUTCHours(Number(hour), Number(minute), Number(second))
}
