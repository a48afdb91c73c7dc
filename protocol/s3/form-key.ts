/** Keys as S3's events and logs write them. */

const plain = /^[A-Za-z0-9\-._*/]*$/
const leftOrTooMuch = /[!'()~]|%20|%2F/g

/** A key as in a form, but for its slashes: a space is '+', `a@b` is `a%40b`. */
export function encodeFormKey(key: string): string {
  if (plain.test(key)) return key
  return encodeURIComponent(key).replace(leftOrTooMuch, match => {
    if (match === '%20') return '+'
    if (match === '%2F') return '/'
    return `%${match.charCodeAt(0).toString(16).toUpperCase()}`
  })
}
