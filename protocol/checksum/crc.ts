/**
 * CRC-32, CRC-32C and CRC-64/NVME over bytes. Node 20 has only CRC-32 of its own, so the loop is a WebAssembly function
 * put together here: 16 table look-ups per 16 bytes in 64-bit words. bench/micro/checksum.ts compares it with the same
 * loop in JavaScript. The module, its memory and each table come into being with the first use.
 */
import { type CrcAlgorithm, crcPolynomials, crcTable, slices, tableBytes } from './tables.ts'

/** What the global WebAssembly offers as far as it is used here: the `ES2023` library does not declare it. */
interface WebAssemblyGlobal {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  /** Carries the state at `stateAt` over the bytes [from, to). */
  readonly update: (table: number, from: number, to: number) => void
}

const order: readonly CrcAlgorithm[] = ['crc32', 'crc32c', 'crc64nvme']
const stateAt = 0
const tablesAt = 64
const windowBytes = 64 * 1024
const windowAt = tablesAt + order.length * tableBytes
const pages = Math.ceil((windowAt + windowBytes) / 65536)

/** A running CRC. The state is the register, not yet inverted. */
export class Crc {
  readonly #algorithm: CrcAlgorithm
  readonly #table: number
  #low = -1
  #high: number

  constructor(algorithm: CrcAlgorithm) {
    this.#algorithm = algorithm
    this.#high = crcPolynomials[algorithm].width === 64 ? -1 : 0
    this.#table = engine().table(algorithm)
  }

  update(bytes: Uint8Array): void {
    const { window, state, exports } = engine()
    state[0] = this.#low
    state[1] = this.#high
    for (let at = 0; at < bytes.length; at += windowBytes) {
      const sizeBytes = Math.min(windowBytes, bytes.length - at)
      window.set(sizeBytes === bytes.length ? bytes : bytes.subarray(at, at + sizeBytes))
      exports.update(this.#table, windowAt, windowAt + sizeBytes)
    }
    this.#low = state[0]!
    this.#high = state[1]!
  }

  /** 4 or 8 bytes, big-endian. */
  digest(): Buffer {
    if (crcPolynomials[this.#algorithm].width === 32) {
      const digest = Buffer.allocUnsafe(4)
      digest.writeInt32BE(~this.#low)
      return digest
    }
    const digest = Buffer.allocUnsafe(8)
    digest.writeInt32BE(~this.#high)
    digest.writeInt32BE(~this.#low, 4)
    return digest
  }
}

class Engine {
  readonly exports: Exports
  readonly state: Int32Array
  readonly window: Uint8Array
  readonly #filled = new Set<CrcAlgorithm>()

  constructor() {
    const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyGlobal }).WebAssembly
    this.exports = new Instance(new Module(assemble())).exports as Exports
    this.state = new Int32Array(this.exports.memory.buffer, stateAt, 2)
    this.window = new Uint8Array(this.exports.memory.buffer, windowAt, windowBytes)
  }

  /** The address of an algorithm's table. */
  table(algorithm: CrcAlgorithm): number {
    const address = tablesAt + order.indexOf(algorithm) * tableBytes
    if (!this.#filled.has(algorithm)) {
      new Int32Array(this.exports.memory.buffer, address, tableBytes / 4).set(crcTable(algorithm))
      this.#filled.add(algorithm)
    }
    return address
  }
}
let shared: Engine | undefined
function engine(): Engine {
  return (shared ??= new Engine())
}

// The few opcodes of the WebAssembly core specification, §5.4, that the loop needs.
const i32 = 0x7f
const i64 = 0x7e
const none = 0x40
const op = {
  block: 0x02,
  loop: 0x03,
  end: 0x0b,
  branch: 0x0c,
  branchIf: 0x0d,
  get: 0x20,
  set: 0x21,
  i64Load: 0x29,
  i64Load8: 0x31,
  i64Store: 0x37,
  i32Const: 0x41,
  i64Const: 0x42,
  i32GreaterUnsigned: 0x4b,
  i32GreaterEqualUnsigned: 0x4f,
  i32Add: 0x6a,
  i32And: 0x71,
  i64Xor: 0x85,
  i64ShiftLeft: 0x86,
  i64ShiftRight: 0x88,
  i32Wrap: 0xa7,
} as const

/** The module's bytes: one memory, one function `update(table, from, to)`. */
function assemble(): Uint8Array {
  const [table, at, to, register, first, second] = [0, 1, 2, 3, 4, 5] as const
  const load = (offset: number) => [op.i64Load, 0, ...unsigned(offset)]
  const advance = (bytes: number) => [op.get, at, op.i32Const, ...signed(bytes), op.i32Add, op.set, at]

  /** Pushes the entry of `slice` for byte `index` of the word: its address is the byte times 8. */
  const lookUp = (word: number, index: number, slice: number) => [
    ...[op.get, word, op.i64Const, ...signed(index === 0 ? 3 : index * 8 - 3)],
    ...[index === 0 ? op.i64ShiftLeft : op.i64ShiftRight, op.i32Wrap, op.i32Const, ...signed(255 * 8), op.i32And],
    ...[op.get, table, op.i32Add, ...load(slice * 256 * 8)],
  ]
  const round: number[] = []
  for (let byte = 0; byte < slices; byte++) {
    round.push(...lookUp(byte < 8 ? first : second, byte % 8, slices - 1 - byte))
    if (byte > 0) round.push(op.i64Xor)
  }
  const wide = [
    ...[op.block, none, op.loop, none],
    ...[op.get, at, op.i32Const, ...signed(slices), op.i32Add, op.get, to, op.i32GreaterUnsigned, op.branchIf, 1],
    ...[op.get, at, ...load(0), op.get, register, op.i64Xor, op.set, first],
    ...[op.get, at, ...load(8), op.set, second],
    ...[...round, op.set, register, ...advance(slices)],
    ...[op.branch, 0, op.end, op.end],
  ]
  const narrow = [
    ...[op.block, none, op.loop, none],
    ...[op.get, at, op.get, to, op.i32GreaterEqualUnsigned, op.branchIf, 1],
    ...[op.get, register, op.get, at, op.i64Load8, 0, 0, op.i64Xor, op.set, first],
    ...[...lookUp(first, 0, 0), op.get, register, op.i64Const, 8, op.i64ShiftRight, op.i64Xor, op.set, register],
    ...[...advance(1), op.branch, 0, op.end, op.end],
  ]
  const stateAddress = [op.i32Const, ...signed(stateAt)]
  const body = [
    ...[1, 3, i64],
    ...[...stateAddress, ...load(0), op.set, register],
    ...wide,
    ...narrow,
    ...[...stateAddress, op.get, register, op.i64Store, 0, 0, op.end],
  ]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 3, i32, i32, i32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, ...unsigned(pages)]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('update'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ])
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content]
}
function name(text: string): number[] {
  return [text.length, ...Buffer.from(text)]
}
/** LEB128. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)]
}
/** LEB128 with a sign: the sixth bit of the last byte must be clear in a positive number. */
function signed(value: number): number[] {
  return value < 64 ? [value] : [(value & 127) | 128, ...signed(value >>> 7)]
}
