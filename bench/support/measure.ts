export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** One line of the table: what was measured, against what, and the bound it must keep. */
export interface Finding {
  readonly what: string
  readonly measured: number
  readonly unit: string
  /** `>= 0.33`, `<= 95` … */
  readonly bound: string
  readonly kept: boolean
  readonly detail: string
}

export function atLeast(what: string, measured: number, bound: number, unit: string, detail: string): Finding {
  return { what, measured, unit, bound: `>= ${bound}`, kept: measured >= bound, detail }
}
export function atMost(what: string, measured: number, bound: number, unit: string, detail: string): Finding {
  return { what, measured, unit, bound: `<= ${bound}`, kept: measured <= bound, detail }
}
