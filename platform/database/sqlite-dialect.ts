/**
 * The few tokens in which SQLite's SQL differs from PostgreSQL's; everything else is written once, in what both run.
 *
 * They agree on: row comparison `(a, b) > ($1, $2)`, `ON CONFLICT … DO UPDATE SET x = excluded.x`, `RETURNING`,
 * `UPDATE … FROM`, `WITH` (and RECURSIVE) around a SELECT, `COALESCE`, `CASE`, `||`, `LIMIT $n`, `LENGTH` and `SUBSTR`
 * of text and of bytes, partial indexes, foreign keys, `IS [NOT] DISTINCT FROM`, window functions.
 *
 * Traps, each of which passes on one engine:
 * - A bare parameter has no type. PostgreSQL takes it from what stands beside it: `SELECT $1` is text, `$1 + 1` is a
 *   32-bit integer, and so is comparison with an INTEGER column. SQLite binds every number as floating point: `$1 / 2`
 *   and `'a' || $1` show it. Columns (which convert) and CAST($1 AS BIGINT) are safe.
 * - Division of integers truncates on both, but only of integers: divide columns, or in JavaScript.
 * - Integers overflow with an error on PostgreSQL, into floating point on SQLite; beyond 2^53 neither comes back exact.
 * - SQLite keeps text in an integer column and longer numbers than declared; PostgreSQL refuses both. Write what the
 *   column says. SQLite is given no boolean: write 0 and 1, `CASE WHEN EXISTS (…) THEN 1 ELSE 0 END`, `WHERE x = 1`.
 * - NULL sorts last on PostgreSQL, first on SQLite: say NULLS FIRST/LAST, or keep NULL out of what is sorted.
 * - LIKE ignores the case of ASCII on SQLite only, and uses no index on either: seek by range (`key >= $1 AND key < $2`).
 * - Names in double quotes only where needed (SQLite once took them for text); single quotes for text, no backslashes.
 * - PostgreSQL refuses U+0000 in text; lone surrogates become U+FFFD on both.
 * - `INSERT … SELECT … ON CONFLICT` needs a WHERE before ON (SQLite takes ON for a join); `WITH` cannot change rows on
 *   SQLite; `DELETE … USING`, arrays, `= ANY($1)`, `FETCH FIRST`, date and JSON functions exist on one side only.
 * - After a failed statement PostgreSQL's transaction is over: use ON CONFLICT, do not catch (see drive.ts).
 * - Rows of RETURNING, and of anything without ORDER BY, come in no order.
 * - An unused or a skipped parameter number fails on PostgreSQL.
 */

/** PostgreSQL's token (upper case, single spaces) → SQLite's. */
const tokens: Readonly<Record<string, string>> = {
  'COLLATE "C"': 'COLLATE BINARY',
  // The one spelling that makes the column the row id itself: no second index, and lookups by id go straight to the row.
  'BIGINT PRIMARY KEY': 'INTEGER PRIMARY KEY',
  BYTEA: 'BLOB',
  // A table that is its primary key's index; PostgreSQL reads a comment.
  '/* WITHOUT ROWID */': 'WITHOUT ROWID',
  // SQLite has one writer, and a write unit is it from its first statement on: every row is already locked.
  'FOR UPDATE SKIP LOCKED': '',
  'FOR UPDATE': '',
  // Both differ on NULL (PostgreSQL skips it, SQLite answers it): give them no NULL.
  GREATEST: 'MAX',
  LEAST: 'MIN',
}

const pattern = new RegExp(
  [
    // Copied as they are: line comments and quoted text, which may contain anything.
    String.raw`--[^\n]*`,
    `'(?:[^']|'')*'`,
    String.raw`(?<parameter>\$\d+)`,
    String.raw`(?<token>COLLATE\s+"C"|BIGINT\s+PRIMARY\s+KEY|\bBYTEA\b|/\*\s*WITHOUT\s+ROWID\s*\*/|FOR\s+UPDATE(?:\s+SKIP\s+LOCKED)?|\bGREATEST\b|\bLEAST\b)`,
  ].join('|'),
  'gi',
)

export interface Translated {
  readonly text: string
  /** For each `?` of the text, the index of its value; undefined when that is 0, 1, 2 … in order. */
  readonly order: readonly number[] | undefined
}

/** Translates a statement or a whole script. Parameters become bare `?`, which bind faster than numbered ones. */
export function translate(text: string): Translated {
  const order: number[] = []
  const translated = text.replace(pattern, (whole, ...rest) => {
    const { parameter, token } = rest.at(-1) as { parameter?: string; token?: string }
    if (parameter !== undefined) {
      order.push(Number(parameter.slice(1)) - 1)
      return '?'
    }
    if (token !== undefined) return tokens[token.toUpperCase().replace(/\s+/g, ' ')] ?? whole
    return whole
  })
  return { text: translated, order: order.every((value, i) => value === i) ? undefined : order }
}
