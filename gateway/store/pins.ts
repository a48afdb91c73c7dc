/**
 * Bytes that are being read: the sweeper leaves them alone although nobody names them any more, so that a download goes
 * on while its object is overwritten. A composed blob that is held keeps the blobs it is made of.
 */
export class BlobPins {
  readonly #held = new Map<number, number>()

  /** Answers the function that lets go; calling it again does nothing. */
  hold(blobId: number): () => void {
    this.#held.set(blobId, (this.#held.get(blobId) ?? 0) + 1)
    let holding = true
    return () => {
      if (!holding) return
      holding = false
      const left = this.#held.get(blobId)! - 1
      if (left === 0) this.#held.delete(blobId)
      else this.#held.set(blobId, left)
    }
  }

  holds(blobId: number): boolean {
    return this.#held.has(blobId)
  }
}
