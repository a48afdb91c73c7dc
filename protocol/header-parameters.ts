/** Headers of MIME that carry parameters: Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2183 §2). */

const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z/]+/y
/** Inside quotes a backslash escapes a quote or a backslash only: some browsers send paths with bare ones. */
const parameter = /[ \t]*;[ \t]*(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:"((?:[^"\\]|\\["\\]|\\(?!["\\]))*)"|([^";]*)))?/y

/** `value; name="quoted"; name=plain`: value and names in lower case; the first of two equal names counts. */
export function parseParameters(
  text: string,
): { readonly value: string; readonly parameters: ReadonlyMap<string, string> } | undefined {
  token.lastIndex = text.length - text.trimStart().length
  const value = token.exec(text)?.[0]
  if (value === undefined) return undefined
  const parameters = new Map<string, string>()
  let at = token.lastIndex
  const end = text.trimEnd().length
  while (at < end) {
    parameter.lastIndex = at
    const match = parameter.exec(text)
    if (match === null) return undefined
    at = parameter.lastIndex
    const [, name, quoted, plain] = match
    if (name === undefined) continue
    const lowerName = name.toLowerCase()
    if (!parameters.has(lowerName))
      parameters.set(lowerName, quoted === undefined ? plain!.trim() : quoted.replace(/\\(["\\])/g, '$1'))
  }
  return { value: value.toLowerCase(), parameters }
}
