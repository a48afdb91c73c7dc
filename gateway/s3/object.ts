/** The handlers of single objects, by the names of their rows. */
import type { Handlers } from '../../protocol/operation.ts'
import type { objectOperations } from '../../protocol/s3/object.ts'
import type { RequestContext } from '../context.ts'
import { getObjectAttributes } from './attributes.ts'
import { copyObject } from './copy-object.ts'
import { deleteObject, deleteObjects } from './object-delete.ts'
import { getObject, headObject } from './object-read.ts'
import { renameObject } from './object-rename.ts'
import { restoreObject } from './object-restore.ts'
import { putObject } from './object-write.ts'
import { postObject } from './post-object.ts'

export const objectHandlers: Handlers<typeof objectOperations, RequestContext> = {
  GetObject: getObject,
  HeadObject: headObject,
  PutObject: putObject,
  PostObject: postObject,
  CopyObject: copyObject,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
  GetObjectAttributes: getObjectAttributes,
  RestoreObject: restoreObject,
  RenameObject: renameObject,
}
