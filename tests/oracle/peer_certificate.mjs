// Answers what Node.js builds for each certificate: base64 DER in a line, one line of JSON back; the first is its versions.
// Bytes are {"$b64": …}. A certificate that Node.js rejects is {"error": …}, with its message.
import {X509Certificate} from 'node:crypto';
import {writeSync} from 'node:fs';
import {createInterface} from 'node:readline';

const answer = (value) => writeSync(1, `${JSON.stringify(value)}\n`);
const spelled = (value) => {
  if (value === undefined) return {$undefined: true};
  return Buffer.isBuffer(value) ? {$b64: value.toString('base64')} : value;
};

const {node, openssl} = process.versions;
answer({node, openssl});
for await (const line of createInterface({input: process.stdin})) {
  try {
    const object = new X509Certificate(Buffer.from(line, 'base64')).toLegacyObject();
    answer({object: Object.fromEntries(Object.entries(object).map(([key, value]) => [key, spelled(value)]))});
  } catch ({message}) {
    answer({error: message});
  }
}
