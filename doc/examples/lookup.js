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
    const socket = net.connect(port, host, () =>
      socket.write(Buffer.concat([length, header, content])));
    let got = Buffer.alloc(0);
    socket.on('data', (piece) => {  // any part of the reply
      got = Buffer.concat([got, piece]);
      if (got.length < 2 || got.length < 2 + got.readUInt16BE(0)) return;
      const begin = 2 + got.readUInt16BE(0);
      const {'content-length': size} = JSON.parse(got.subarray(2, begin));
      if (got.length < begin + size) return;
      resolve(JSON.parse(got.subarray(begin, begin + size)).result);
      socket.end();
    });
    socket.on('error', reject);
    socket.on('end', () => reject(new Error('the reply was cut')));
  });
}

const [key, host = '127.0.0.1', port = '65432'] = process.argv.slice(2);
lookup(key, host, Number(port)).then(console.log, (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
