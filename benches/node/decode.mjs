// What Node.js takes from a percent-encoded PEM header to its own objects: nanoseconds a call, as JSON.
// It reads [{"name": ..., "value": ...}] from standard input.

import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

const ROUNDS = 200
const CALLS = 10

const KINDS = {
  identity: (value) => {
    const certificate = new X509Certificate(decodeURIComponent(value))
    return [certificate.subject, certificate.subjectAltName, certificate.fingerprint256]
  },
  whole: (value) => new X509Certificate(decodeURIComponent(value)).toLegacyObject(),
}

const measure = (read, value) => {
  for (let call = 0; call < ROUNDS; call++) read(value)
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = process.hrtime.bigint()
    for (let call = 0; call < CALLS; call++) read(value)
    return Number(process.hrtime.bigint() - start) / CALLS
  })
  rounds.sort((a, b) => a - b)
  return rounds[ROUNDS / 2]
}

const answer = JSON.parse(readFileSync(0, 'utf8')).map(({ name, value }) => ({
  name,
  ...Object.fromEntries(Object.entries(KINDS).map(([kind, read]) => [kind, measure(read, value)])),
}))
console.log(JSON.stringify({ version: process.version, certificates: answer }))
