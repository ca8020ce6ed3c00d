// What Node.js takes from a header value to its own objects: nanoseconds a call, as JSON.
// It reads [{"name": ..., "encoding": ..., "value": ...}] from standard input.
//
// A round is long enough to pay for its own garbage, as CPython does with each call: the certificates of OpenSSL are
// freed when the collector finds their objects. In rounds of ten calls, the median round has no collection in it.
// What counts of a round is the clock or the time of the processor, whichever is less: neither other work on the machine,
// which stops a collector of several threads for long, nor what its threads do beside the main one.

import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

const ROUNDS = 15
const CALLS = 300
const WARM_UP = 1000

// What one would write for the values that the other side has written: less is checked than here.
const DECODERS = {
  'url-pem': decodeURIComponent,
  'url-pem-aws': decodeURIComponent,
  xfcc: (value) => decodeURIComponent(/Cert="([^"]*)"/.exec(value)[1]),
  'base64-der': (value) => Buffer.from(value, 'base64'),
  rfc9440: (value) => Buffer.from(value.slice(1, -1), 'base64'),
  pem: (value) => value.replace(/ (?!CERTIFICATE)/g, '\n'),
  'base64-pem': (value) => Buffer.from(value, 'base64'),
  'hex-der': (value) => Buffer.from(value, 'hex'),
  'base64-der-concat': (value) => Buffer.from(value, 'base64'),
}

const KINDS = {
  identity: (certificate) => [certificate.subject, certificate.subjectAltName, certificate.fingerprint256],
  whole: (certificate) => certificate.toLegacyObject(),
}

const measure = (call) => {
  for (let number = 0; number < WARM_UP; number++) call()
  const rounds = Array.from({ length: ROUNDS }, () => {
    const [start, used] = [process.hrtime.bigint(), process.cpuUsage()]
    for (let number = 0; number < CALLS; number++) call()
    const elapsed = Number(process.hrtime.bigint() - start)
    const { user, system } = process.cpuUsage(used)
    return Math.min(elapsed, 1000 * (user + system)) / CALLS
  })
  rounds.sort((a, b) => a - b)
  return rounds[(ROUNDS - 1) / 2]
}

const answer = JSON.parse(readFileSync(0, 'utf8')).map(({ name, encoding, value }) => {
  const decode = DECODERS[encoding]
  const times = Object.entries(KINDS).map(([kind, read]) => [
    kind,
    measure(() => read(new X509Certificate(decode(value)))),
  ])
  return { name, encoding, ...Object.fromEntries(times) }
})
console.log(JSON.stringify({ version: process.version, openssl: process.versions.openssl, certificates: answer }))
