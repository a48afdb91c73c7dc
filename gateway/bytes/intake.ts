/**
 * One large body on its way into a blob: socket → slabs → disk and digests.
 *
 * States: waiting for a slab (the body paused) ⇄ reading → draining (the body has ended, slabs are under way) →
 * finishing → settled. A failure in any of them gives up everything and settles once all slabs are back.
 *
 * Invariants: the body is read only while there is room for a whole receive buffer (512 KiB, one slab) or none was ever
 * asked for; while it waits in the pool's queue it holds no slab but those under way. Bytes that come in spite of the
 * pause (a decoder or TLS hands over what it already has) are kept aside until there is a slab.
 *
 * A slab is written and digested side by side, where it lies. With a cipher it is digested first, then encrypted in
 * place and written, so that encryption needs no memory of its own; the next slab is digested meanwhile.
 */
import { type Fault, fault } from '../../protocol/fault.ts'
import { type Aborted, type BlobWriter, type BodySink, type IncomingBody, inlineLimitBytes } from './contract.ts'
import type { Digesters, DigestJob } from './digesters.ts'
import { type Ingested, type IngestOptions, ingestWhole, tooLarge, truncated } from './ingest.ts'
import { blobKeystream, type Keystream } from './object-cipher.ts'
import { type Slab, type SlabPool, type SlabUser, slabBytes } from './slabs.ts'

/** Slabs one body may have at a time: one being filled, one in reserve, two under way. */
const slabsPerBody = 4

interface PendingWrite {
  readonly bytes: Uint8Array
  readonly done: () => void
}

export class Intake implements BodySink, SlabUser {
  readonly #body: IncomingBody
  readonly #options: IngestOptions
  readonly #slabs: SlabPool
  readonly #job: DigestJob
  readonly #resolve: (ingested: Ingested) => void
  readonly #reject: (error: unknown) => void

  #current: Slab | undefined
  #filled = 0
  #spare: Slab | undefined
  #slabsUnderWay = 0
  /** Bytes for which there was no slab. */
  #aside: Uint8Array[] = []
  #waiting = false
  #reading = false
  #paused = false
  #fedLately = true

  #sizeBytes = 0
  #ended = false
  #digested = false
  #failure: { readonly answer: Fault | Aborted } | { readonly error: unknown } | undefined
  #settled = false

  #blobId: number | undefined
  #idAsked = false
  #writer: BlobWriter | undefined
  readonly #writes: PendingWrite[] = []
  #writing = false
  #keystream: Keystream | undefined
  #writtenBytes = 0

  constructor(
    body: IncomingBody,
    options: IngestOptions,
    pools: { readonly slabs: SlabPool; readonly digesters: Digesters },
    resolve: (ingested: Ingested) => void,
    reject: (error: unknown) => void,
  ) {
    this.#body = body
    this.#options = options
    this.#slabs = pools.slabs
    this.#job = pools.digesters.start(options.algorithms)
    this.#resolve = resolve
    this.#reject = reject
  }

  begin(): void {
    this.#queue()
  }

  // From the body

  chunk(bytes: Uint8Array): void {
    if (this.#failure !== undefined) return
    this.#sizeBytes += bytes.length
    if (this.#sizeBytes > this.#options.maxBytes) {
      this.#answer(tooLarge(this.#sizeBytes, this.#options.maxBytes))
      return
    }
    this.#fedLately = true
    // Somebody went on reading in our place: say it again.
    if (this.#paused) this.#body.pause()
    this.#store(bytes)
    this.#makeRoom()
  }

  end(): void {
    this.#ended = true
    if (this.#failure !== undefined) return
    if (this.#sizeBytes < (this.#body.declaredBytes ?? 0)) {
      this.#answer(truncated)
      return
    }
    if (this.#aside.length === 0) this.#flushLast()
    else this.#makeRoom()
  }

  fail(why: Fault | Aborted): void {
    this.#ended = true
    this.#answer(why)
  }

  // From the pool

  granted(slab: Slab): void {
    this.#waiting = false
    this.#current = slab
    this.#filled = 0
    this.#fedLately = true
    if (!this.#reading) {
      this.#reading = true
      this.#noteHolding()
      this.#body.read(this)
    } else this.#makeRoom()
  }

  yieldIdle(): void {
    const idle = !this.#fedLately
    this.#fedLately = false
    if (!idle || this.#ended) return
    this.#pause()
    this.#giveBack()
    this.#queue()
  }

  // Slabs

  #store(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && this.#failure === undefined; ) {
      if (this.#aside.length > 0 || !this.#haveCurrent()) {
        // Not slice: a Buffer's would not copy.
        this.#aside.push(Buffer.from(bytes.subarray(at)))
        return
      }
      at += this.#fill(at === 0 ? bytes : bytes.subarray(at))
    }
  }

  /** Copies what fits into the current slab; answers how much. */
  #fill(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, slabBytes - this.#filled)
    this.#current!.bytes.set(count === bytes.length ? bytes : bytes.subarray(0, count), this.#filled)
    this.#filled += count
    if (this.#filled === slabBytes) this.#flush()
    return count
  }

  #haveCurrent(): boolean {
    if (this.#current !== undefined) return true
    this.#current = this.#spare ?? this.#slabs.tryTake()
    this.#spare = undefined
    this.#filled = 0
    return this.#current !== undefined
  }

  /** Goes on reading when a whole receive buffer has room; else takes slabs, waits for its own, or queues. */
  #makeRoom(): void {
    if (this.#failure !== undefined || this.#waiting) return
    // Passing a slab on may fail at once, here and below.
    while (this.#aside.length > 0 && this.#failure === undefined && this.#haveCurrent()) {
      const first = this.#aside[0]!
      const count = this.#fill(first)
      if (count === first.length) this.#aside.shift()
      else this.#aside[0] = first.subarray(count)
    }
    if (this.#failure !== undefined) return
    if (this.#ended) {
      if (this.#aside.length > 0) this.#queue()
      else this.#flushLast()
      return
    }
    const empty = () => this.#current !== undefined && this.#filled === 0
    const inHand = (this.#current === undefined ? 0 : 1) + (this.#spare === undefined ? 0 : 1)
    if (!empty() && this.#spare === undefined && inHand + this.#slabsUnderWay < slabsPerBody) {
      if (this.#current === undefined) this.#haveCurrent()
      else this.#spare = this.#slabs.tryTake()
    }
    if (empty() || this.#spare !== undefined) {
      this.#noteHolding()
      this.#resume()
      return
    }
    this.#pause()
    if (inHand + this.#slabsUnderWay < slabsPerBody) {
      this.#giveBack()
      this.#queue()
    } else this.#noteHolding()
  }

  #queue(): void {
    if (this.#failure !== undefined) return
    this.#waiting = true
    this.#slabs.wait(this)
  }

  #leaveQueue(): void {
    if (this.#waiting) this.#slabs.cancel(this)
    this.#waiting = false
  }

  /** Parts with the slabs in hand: a filled one by way of the disk. */
  #giveBack(): void {
    const { current, spare } = { current: this.#current, spare: this.#spare }
    this.#spare = undefined
    if (current !== undefined && this.#filled > 0 && this.#failure === undefined) this.#flush()
    else if (current !== undefined) {
      this.#current = undefined
      this.#slabs.release(current)
    }
    if (spare !== undefined) this.#slabs.release(spare)
    this.#noteHolding()
  }

  #noteHolding(): void {
    this.#slabs.setHolding(this, this.#current !== undefined || this.#spare !== undefined)
  }

  // Slabs on their way to the disk and the digests

  /** @param last nothing comes after it */
  #flush(last = false): void {
    const slab = this.#current!
    const bytes = slab.bytes.subarray(0, this.#filled)
    this.#current = undefined
    this.#slabsUnderWay++
    let users = 2
    const done = () => {
      if (--users > 0) return
      this.#slabsUnderWay--
      this.#slabs.release(slab)
      if (this.#failure !== undefined) this.#settleFailed()
      else if (!this.#ended || this.#aside.length > 0) this.#makeRoom()
      else this.#completeWhenDone()
    }
    if (this.#options.cipher === undefined) {
      this.#write(bytes, done)
      if (this.#failure === undefined) this.#digest(bytes, last, done)
      else done()
    } else
      this.#digest(bytes, last, () => {
        // Nobody writes it after a failure.
        if (this.#failure === undefined) this.#write(bytes, done)
        else done()
        done()
      })
  }

  #digest(bytes: Uint8Array, last: boolean, done: () => void): void {
    this.#job.update(bytes, last, error => {
      if (error !== null) this.#fail({ error })
      else this.#digested = last
      done()
    })
  }

  #write(bytes: Uint8Array, done: () => void): void {
    this.#writes.push({ bytes, done })
    this.#pumpWrites()
  }

  #flushLast(): void {
    this.#leaveQueue()
    if (!this.#idAsked && this.#slabsUnderWay === 0 && this.#sizeBytes <= inlineLimitBytes) {
      this.#keepInline()
      return
    }
    if (this.#current !== undefined && this.#filled > 0) {
      this.#flush(true)
      this.#giveBack()
      return
    }
    this.#giveBack()
    this.#job.update(noBytes, true, error => {
      if (error !== null) return this.#fail({ error })
      this.#digested = true
      this.#completeWhenDone()
    })
  }

  /** A body of undeclared size that turned out to be small. */
  #keepInline(): void {
    const bytes = Buffer.from(this.#current?.bytes.subarray(0, this.#filled) ?? noBytes)
    this.#filled = 0
    this.#giveBack()
    this.#job.drop()
    this.#settled = true
    this.#resolve(ingestWhole(bytes, this.#options.algorithms, this.#options.cipher))
  }

  #pumpWrites(): void {
    if (this.#writing || this.#writes.length === 0) return
    if (this.#writer === undefined) {
      this.#askId()
      return
    }
    const { bytes, done } = this.#writes.shift()!
    this.#writing = true
    this.#keystream?.apply(bytes, this.#writtenBytes)
    this.#writtenBytes += bytes.length
    this.#writer.write(bytes, error => {
      this.#writing = false
      if (error !== null) this.#failStore(error)
      done()
      if (this.#failure === undefined) this.#pumpWrites()
    })
  }

  #askId(): void {
    if (this.#idAsked) return
    this.#idAsked = true
    try {
      const id = this.#options.nextBlobId()
      if (typeof id === 'number') this.#openBlob(id)
      else id.then(id => this.#openBlob(id)).catch(error => this.#fail({ error }))
    } catch (error) {
      this.#fail({ error })
    }
  }

  #openBlob(id: number): void {
    if (this.#failure !== undefined) return
    this.#blobId = id
    this.#writer = this.#options.blobs.create(id)
    if (this.#options.cipher !== undefined) this.#keystream = blobKeystream(this.#options.cipher, id)
    this.#pumpWrites()
  }

  // The end

  #completeWhenDone(): void {
    if (!this.#digested || this.#slabsUnderWay > 0 || this.#failure !== undefined || this.#settled) return
    this.#settled = true
    const blobId = this.#blobId!
    const { blobs } = this.#options
    this.#writer!.finish(error => {
      if (error !== null) {
        this.#settled = false
        return this.#failStore(error)
      }
      this.#resolve({
        sizeBytes: this.#sizeBytes,
        inline: undefined,
        blobId,
        digests: this.#job.digests,
        // A blob that cannot be removed is unreferenced like any other: the sweeper comes to it.
        discard: () => void blobs.remove(blobId).catch(() => {}),
      })
    })
  }

  #failStore(error: Error): void {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT') this.#answer(fault('storage-full'))
    else this.#fail({ error })
  }

  #answer(answer: Fault | Aborted): void {
    this.#fail({ answer })
  }

  #fail(failure: { readonly answer: Fault | Aborted } | { readonly error: unknown }): void {
    if (this.#failure !== undefined || this.#settled) return
    this.#failure = failure
    this.#job.drop()
    this.#aside = []
    this.#leaveQueue()
    this.#giveBack()
    // Writes that have not begun: their slabs wait for the digests only.
    for (const { done } of this.#writes.splice(0)) done()
    if (!this.#ended) {
      if (this.#body.close === undefined) this.#resume()
      else this.#body.close()
    }
    this.#settleFailed()
  }

  #settleFailed(): void {
    if (this.#slabsUnderWay > 0 || this.#settled) return
    this.#settled = true
    this.#writer?.discard()
    const failure = this.#failure!
    if ('answer' in failure) this.#resolve(failure.answer)
    else this.#reject(failure.error)
  }

  #pause(): void {
    if (this.#paused || this.#ended) return
    this.#paused = true
    this.#body.pause()
  }

  #resume(): void {
    if (!this.#paused || this.#ended) return
    this.#paused = false
    this.#body.resume()
  }
}

const noBytes = new Uint8Array(0)
