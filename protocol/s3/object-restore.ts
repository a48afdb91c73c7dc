/** RestoreObject. What it asks for, and what answers tell of a restore: restore.ts. */
import { Fault } from '../fault.ts'
import { Level, operation, type Reply, type WireRequest } from '../operation.ts'
import { bucketFaults } from './bucket.ts'
import { refusedChecksumHeaders } from './checksum-headers.ts'
import { checkDocument, type IntegrityFault, integrityFaults } from './document-integrity.ts'
import { type OfVersion, parseOfVersion } from './object-properties.ts'
import { parseRestore, type RestoreFault, type RestoreRequest, restoreDocumentLimitBytes } from './restore.ts'
import { pushVersion, type VersionName } from './version-id.ts'

export interface RestoreInput extends OfVersion {
  /** Or why the document asks for nothing: said only of a version that can be restored. */
  readonly asked: RestoreRequest | RestoreFault
}
export interface RestoreOutput {
  /** A copy was there already. */
  readonly already: boolean
  readonly version?: VersionName | undefined
}

export const restoreObject = operation({
  name: 'RestoreObject',
  match: { method: 'POST', level: Level.object, selector: 'restore' },
  access: 'write',
  body: { limitBytes: restoreDocumentLimitBytes },
  refuses: refusedChecksumHeaders,
  parse: (
    request: WireRequest,
    body: Uint8Array,
  ): RestoreInput | IntegrityFault | Fault<'key-too-long'> | Fault<'argument-invalid'> => {
    const of = parseOfVersion(request)
    if (of instanceof Fault) return of
    return checkDocument(request, body, 'optional') ?? { ...of, asked: parseRestore(body) }
  },
  render: ({ already, version }: RestoreOutput): Reply => {
    const headers: string[] = []
    pushVersion(headers, version)
    return { status: already ? 200 : 202, headers, body: null }
  },
  faults: [
    ...integrityFaults,
    ...bucketFaults,
    'argument-invalid',
    'key-too-long',
    'object-missing',
    'version-missing',
    'method-not-allowed',
    'body-missing',
    'xml-malformed',
    'not-implemented',
    'object-not-archived',
    'restore-in-progress',
    'restore-tier-invalid',
  ],
})
