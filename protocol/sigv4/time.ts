/** The compact time of signatures, `20130524T000000Z`, and the form S3's errors print, `2013-05-24T00:00:00Z`. */

let lastText = ''
let lastMs: number | undefined

/** Milliseconds since 1970; undefined unless the text is a real moment in exactly this form. */
export function parseAmzDate(text: string): number | undefined {
  // Requests of one second, and those of one link, say the same.
  if (text !== lastText) {
    lastMs = readAmzDate(text)
    lastText = text
  }
  return lastMs
}

function readAmzDate(text: string): number | undefined {
  if (text.length !== 16 || text.charCodeAt(8) !== 84 || text.charCodeAt(15) !== 90) return undefined
  const year = digits(text, 0) * 100 + digits(text, 2)
  const month = digits(text, 4)
  const day = digits(text, 6)
  const hour = digits(text, 9)
  const minute = digits(text, 11)
  const second = digits(text, 13)
  // A NaN among them fails its comparison. Years below 100 mean 19xx to Date.UTC: nobody signs then.
  if (!(year >= 100 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return undefined
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return undefined
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

export function formatAmzDate(ms: number): string {
  const iso = new Date(ms).toISOString()
  return `${iso.slice(0, 4)}${iso.slice(5, 7)}${iso.slice(8, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`
}

export function formatSecond(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -5)}Z`
}

function digits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48
  const ones = text.charCodeAt(at + 1) - 48
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}
