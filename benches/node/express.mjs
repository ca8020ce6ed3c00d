// An application of Express, bare or behind a middleware such as one writes by hand for the certificate that nginx
// forwards. Arguments: "bare" or "behind", the port, and the number of workers. The answer is the id of the process.

import cluster from 'node:cluster'
import { X509Certificate } from 'node:crypto'
import express from 'express'

const [kind, port, workers] = process.argv.slice(2)

const clientCertificate = (request, response, next) => {
  const { 'x-ssl-client-verify': verdict, 'x-ssl-client-cert': value } = request.headers
  if (request.socket.remoteAddress !== '127.0.0.1' || verdict !== 'SUCCESS' || value === undefined) {
    return response.sendStatus(401)
  }
  let certificate
  try {
    certificate = new X509Certificate(decodeURIComponent(value))
  } catch {
    return response.sendStatus(401)
  }
  const now = Date.now()
  if (now < Date.parse(certificate.validFrom) || Date.parse(certificate.validTo) < now) {
    return response.sendStatus(401)
  }
  if (!certificate.subject.split('\n').includes('O=Example')) {
    return response.sendStatus(401)
  }
  request.clientCertificate = certificate
  return next()
}

if (cluster.isPrimary && workers !== '1') {
  for (let worker = 0; worker < Number(workers); worker++) cluster.fork()
  process.on('SIGTERM', () => cluster.disconnect(() => process.exit()))
} else {
  const application = express()
  if (kind === 'behind') application.use(clientCertificate)
  application.get('/', (request, response) => response.type('text').send(String(process.pid)))
  application.listen(Number(port), '127.0.0.1')
}
