// Parses streams with eventsource-parser and JSON.parse, again for each line of the input.
//
// The argument is a file: a line of JSON with the lengths of each stream's reads, then their bytes. Each
// answer is a line: of the first, which warms up, the number of events; then the seconds a run took.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { createParser } from "eventsource-parser";

const WARM_UP_SECONDS = 0.5; // long enough for V8 to optimise what is hot

const file = readFileSync(process.argv[2]);
const head = file.indexOf("\n");
let start = head + 1;
const streams = JSON.parse(file.subarray(0, head)).map((lengths) =>
  lengths.map((length) => file.subarray(start, (start += length))),
);

function run() {
  let events = 0;
  for (const reads of streams) {
    const decoder = new TextDecoder();
    const parser = createParser({
      onEvent(event) {
        events += 1;
        if (event.data !== "[DONE]") JSON.parse(event.data);
      },
    });
    for (const read of reads) parser.feed(decoder.decode(read, { stream: true }));
  }
  return events;
}

function seconds() {
  const processor = process.cpuUsage();
  const wall = performance.now();
  run();
  const elapsed = (performance.now() - wall) / 1e3;
  const { user, system } = process.cpuUsage(processor);
  // The processor's time has that of V8's helpers in it, the clock on the wall that of others
  // who run: the less is nearer to what the parsing takes.
  return Math.min(elapsed, (user + system) / 1e6);
}

const until = performance.now() + WARM_UP_SECONDS * 1e3;
let events = run();
while (performance.now() < until) events = run();
console.log(events);
for await (const _ of createInterface({ input: process.stdin })) console.log(seconds());
