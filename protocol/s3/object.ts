/** The rows of single objects. */
import { getObjectAttributes } from './attributes.ts'
import { copyObject } from './copy.ts'
import { deleteObject, deleteObjects } from './object-delete.ts'
import { getObject, headObject } from './object-read.ts'
import { renameObject } from './object-rename.ts'
import { restoreObject } from './object-restore.ts'
import { putObject } from './object-write.ts'
import { postObject } from './post-object.ts'

export const objectOperations = [
  getObject,
  headObject,
  putObject,
  postObject,
  copyObject,
  deleteObject,
  deleteObjects,
  getObjectAttributes,
  restoreObject,
  renameObject,
] as const
