/**
 * The fields of a form posted to a bucket, as one request: each field stands for a header. Names count without case, and
 * fields of one name are joined with ',' ("Browser-based uploads using POST", S3 User Guide).
 */
import { type Fault, fault } from '../fault.ts'
import type { FormHead } from '../form-data.ts'
import { Level, type WireRequest } from '../operation.ts'
import { emptyQuery } from '../query.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'

/** "The form data and boundaries (excluding the contents of the file) cannot exceed 20 KB." */
export const formLimitBytes = 20_480

// biome-ignore lint/suspicious/noTemplateCurlyInString: S3's own variable
const variable = '${filename}'
/** What is signed stays as it was signed. */
const verbatim: ReadonlySet<string> = new Set(['policy', 'signature', 'x-amz-signature'])

export class PostForm implements WireRequest {
  readonly method = 'POST'
  readonly level = Level.bucket
  /** Of the request's address. */
  readonly bucket: string
  readonly key: string
  readonly query = emptyQuery
  /** By lower-case name. */
  readonly fields: ReadonlyMap<string, string>
  readonly headers: readonly string[]

  constructor(bucket: string, fields: ReadonlyMap<string, string>) {
    this.bucket = bucket
    this.fields = fields
    this.key = fields.get('key') ?? ''
    this.headers = [...fields].flat()
  }

  header(lowerName: string): string {
    return this.fields.get(lowerName) ?? ''
  }
}

/** A form's fields with `${filename}` filled in. Refused without a key. */
export function readForm(head: FormHead, bucket: string): PostForm | ArgumentFault | Fault<'form-too-large'> {
  const name = head.fileName === undefined ? undefined : lastSegment(head.fileName)
  const fields = new Map<string, string>()
  let sizeBytes = head.sizeBytes
  for (const field of head.fields) {
    const lowerName = field.name.toLowerCase()
    let value = field.value
    // Of a file without a name S3 leaves the variable as it stands, its documentation notwithstanding.
    if (name !== undefined && !verbatim.has(lowerName) && value.includes(variable)) {
      const pieces = value.split(variable)
      // Each place grows by the whole name: a small form must not become a large one.
      sizeBytes += (pieces.length - 1) * Buffer.byteLength(name)
      if (sizeBytes > 2 * formLimitBytes) return fault('form-too-large', { limitBytes: formLimitBytes })
      value = pieces.join(name)
    }
    const before = fields.get(lowerName)
    fields.set(lowerName, before === undefined ? value : `${before},${value}`)
  }
  const form = new PostForm(bucket, fields)
  if (form.key === '') return missingField('key')
  // What no address can name, no form can either.
  return form.key.includes('\0') ? argumentInvalid('key', 'Invalid key') : form
}

/** Browsers may send the path on their machine. */
function lastSegment(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
}

/** @param name as S3 spells it */
export function missingField(name: string): ArgumentFault {
  return argumentInvalid(
    name,
    `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`,
    '',
  )
}
