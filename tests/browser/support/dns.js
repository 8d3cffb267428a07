// A name server on loopback for one test: answers TXT, CNAME and A questions out of a map, over UDP.

import { createSocket } from "node:dgram";

const TYPES = { A: 1, CNAME: 5, TXT: 16 };

function encodeName(name) {
  return Buffer.concat([...name.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0])]);
}

function data(kind, value) {
  if (kind === "TXT") return Buffer.from([value.length, ...Buffer.from(value)]);
  if (kind === "CNAME") return encodeName(value);
  return Buffer.from(value.split(".").map(Number));
}

/** Reads the one question: its name, its type, and where it ends. */
function question(message) {
  const labels = [];
  let at = 12;
  while (message[at] !== 0) {
    labels.push(message.toString("ascii", at + 1, at + 1 + message[at]).toLowerCase());
    at += message[at] + 1;
  }
  return { name: labels.join("."), type: message.readUInt16BE(at + 1), end: at + 5 };
}

function answer(records, message) {
  const { name, type, end } = question(message);
  const kind = Object.keys(TYPES).find((it) => TYPES[it] === type);
  const found = (kind && records.get(`${name} ${kind}`)) ?? [];
  const known = [...records.keys()].some((key) => key.startsWith(`${name} `));
  const head = Buffer.alloc(12);
  message.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8180 | (found.length || known ? 0 : 3), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(found.length, 6);
  const answers = found.map((value) => {
    const rdata = data(kind, value);
    const fixed = Buffer.alloc(12);
    fixed.writeUInt16BE(0xc00c, 0);
    fixed.writeUInt16BE(type, 2);
    fixed.writeUInt16BE(1, 4);
    fixed.writeUInt32BE(60, 6);
    fixed.writeUInt16BE(rdata.length, 10);
    return Buffer.concat([fixed, rdata]);
  });
  return Buffer.concat([head, message.subarray(12, end), ...answers]);
}

/** Starts it; `set(name, kind, values)` makes records. */
export async function startDns() {
  const records = new Map();
  const socket = createSocket("udp4");
  socket.on("message", (message, from) => socket.send(answer(records, message), from.port, from.address));
  await new Promise((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    set: (name, kind, values) => records.set(`${name} ${kind}`, values),
    stop: () => socket.close(),
  };
}
