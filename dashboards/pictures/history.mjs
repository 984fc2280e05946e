// Two weeks that nobody has waited for: what the panels compare with. Queues with days and nights, and the same hours
// of last week as counters.

import { writeFileSync } from "node:fs";

const DAY = 86400;
// What waits in the channels of a demo on a usual day, and how many recipients a second go through.
const CHANNELS = [
  { channel: "tcp_local", waiting: 12, attempts: 5 },
  { channel: "ims-ms", waiting: 6, attempts: 14 },
  { channel: "tcp_intranet", waiting: 1, attempts: 0.5 },
];

/// The same "chance" at each run.
const noise = (seed) => { const x = Math.sin(seed * 12.9898) * 43758.5453; return x - Math.floor(x); };
const busy = (time) => 0.6 + 0.4 * Math.sin(((time % DAY) / DAY - 0.3) * 2 * Math.PI);

/// Writes an OpenMetrics file for promtool.
export function history(hosts, file) {
  const now = Math.floor(Date.now() / 1000 / 600) * 600;
  const out = { waiting: [], attempts: [], dequeued: [] };
  hosts.forEach(({ name, cluster }, host) => {
    CHANNELS.forEach(({ channel, waiting, attempts }, place) => {
      const labels = `{job="imsimta",instance="${name}:9797",cluster="${cluster}",channel="${channel}"}`;
      for (let time = now - 15 * DAY; time < now; time += 600) {
        const value = Math.round(waiting * busy(time) * (0.5 + noise(time / 600 + host * 7 + place)) * 1.3);
        out.waiting.push(`imsimta_queue_messages${labels} ${value} ${time}`);
      }
      let [tried, gone] = [1e6, 9e5];
      for (let time = now - 7 * DAY - 600; time < now - 7 * DAY + 2400; time += 10) {
        const more = attempts * 10 * (0.8 + 0.4 * noise(time / 60 + host));
        tried += more;
        gone += more * 0.97;
        out.attempts.push(`imsimta_delivery_attempts_total${labels} ${tried.toFixed(0)} ${time}`);
        out.dequeued.push(`imsimta_dequeued_recipients_total${labels} ${gone.toFixed(0)} ${time}`);
      }
    });
  });
  writeFileSync(file, [
    "# TYPE imsimta_queue_messages gauge", ...out.waiting,
    "# TYPE imsimta_delivery_attempts counter", ...out.attempts,
    "# TYPE imsimta_dequeued_recipients counter", ...out.dequeued, "# EOF", "",
  ].join("\n"));
}
