// Prints a SubjectPublicKeyInfo of every kind that Node.js can make, in base64, by a name that says what it is:
//   node tests/oracle/keys.mjs > tests/oracle/keys.json
// The keys are thrown away: only their public halves are here, for awkward.py to put into certificates.
import {ECDH, createPublicKey, generateKeyPairSync, getCurves} from 'node:crypto';

const keys = {};
const add = (name, type, options = {}) => {
  const {publicKey} = generateKeyPairSync(type, options);
  keys[name] = publicKey.export({type: 'spki', format: 'der'}).toString('base64');
};

for (const bits of [512, 768, 1001, 1023, 1024, 1025, 2048]) add(`RSA of ${bits} bits`, 'rsa', {modulusLength: bits});
for (const exponent of [3, 17, 0x10001, 0xffffffff])
  add(`RSA with the exponent ${exponent}`, 'rsa', {modulusLength: 1024, publicExponent: exponent});
add('RSA-PSS', 'rsa-pss', {modulusLength: 1024});
add('RSA-PSS with parameters', 'rsa-pss', {
  modulusLength: 1024, hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha512', saltLength: 20,
});
add('DSA', 'dsa', {modulusLength: 1024, divisorLength: 160});
add('DH', 'dh', {group: 'modp5'});
for (const type of ['ed25519', 'ed448', 'x25519', 'x448']) add(type, type);

for (const curve of getCurves()) {
  if (curve.startsWith('Oakley')) continue; // no OBJECT IDENTIFIER names them, and no key can be made
  for (const paramEncoding of ['named', 'explicit']) {
    try {
      const {publicKey} = generateKeyPairSync('ec', {namedCurve: curve, paramEncoding});
      keys[`${curve}, ${paramEncoding}`] = publicKey.export({type: 'spki', format: 'der'}).toString('base64');
    } catch ({message}) {
      console.error(`${curve}, ${paramEncoding}: ${message}`);
    }
  }
}

console.log(JSON.stringify(keys, null, 1));
