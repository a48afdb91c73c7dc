/**
 * A uWebSockets.js handler that answers `hello` to everything, once it has the whole body where there is one: what the
 * wire costs before we do anything.
 */
import uWS from 'uWebSockets.js'

const port = Number(process.argv[2])
uWS
  .App()
  .put('/*', response => {
    response.onAborted(() => {})
    response.onData((_bytes, last) => {
      if (last) response.end('hello')
    })
  })
  .any('/*', response => {
    response.end('hello')
  })
  .listen('127.0.0.1', port, socket => {
    if (socket === false) process.exit(1)
  })
