// Prints the object that Node.js builds for each certificate of ../x509.json that both backends accept:
//   node tests/vectors/node/objects.mjs > tests/vectors/node/objects.json
// Without `raw` and the fingerprints, which say again what the DER there says: nodejs.py puts them back.
import {X509Certificate} from 'node:crypto';
import {readFileSync} from 'node:fs';

const {vectors} = JSON.parse(readFileSync(new URL('../x509.json', import.meta.url)));
const base64 = (value) => (Buffer.isBuffer(value) ? {$b64: value.toString('base64')} : value);
const objects = {};
for (const {id, der, sha256} of vectors) {
  if (!sha256) continue;
  const {raw, fingerprint, fingerprint256, fingerprint512, ...object} =
    new X509Certificate(Buffer.from(der, 'base64')).toLegacyObject();
  objects[id] = Object.fromEntries(Object.entries(object).map(([key, value]) => [key, base64(value)]));
}
console.log(JSON.stringify({node: process.versions.node, openssl: process.versions.openssl, objects}, null, 1));
