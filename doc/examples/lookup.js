#!/usr/bin/env node
// SPDX-License-Identifier: ISC
// Ask appmsgd from Node.js: lookup.js KEY [HOST [PORT]]

const net = require('net');

function lookup(key, host, port) {
  return new Promise((resolve, reject) => {
    const content = Buffer.from(JSON.stringify({action: 'search', value: key}));
    const header = Buffer.from(JSON.stringify({
      'byteorder': 'little', 'content-type': 'text/json',
      'content-encoding': 'utf-8', 'content-length': content.length,
    }));
    const length = Buffer.alloc(2);
    length.writeUInt16BE(header.length);
    const pieces = [];
    const socket = net.connect(port, host, () =>
      socket.write(Buffer.concat([length, header, content])));
    socket.on('data', (piece) => pieces.push(piece));
    socket.on('error', reject);
    socket.on('end', () => {    // the server closes after its reply
      try {
        const reply = Buffer.concat(pieces);
        const begin = 2 + reply.readUInt16BE(0);
        const {'content-length': size} = JSON.parse(reply.subarray(2, begin));
        resolve(JSON.parse(reply.subarray(begin, begin + size)).result);
      } catch (error) {
        reject(new Error('the reply was cut'));
      }
    });
  });
}

const [key, host = '127.0.0.1', port = '65432'] = process.argv.slice(2);
lookup(key, host, Number(port)).then(console.log, (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
