// Applies each event of a room once and in order, whatever was missed. `reload` reads the state itself anew.
export function follow({ socket, room, api, token, apply, reload }) {
  let last = NaN; // the number that was applied last; none yet
  let newest = 0; // the newest number that is known to be
  let isReading = false;

  async function join() {
    const known = Number.isNaN(last) ? {} : { after: last };
    const ack = await socket.emitWithAck("join_room", { room, ...known });
    if (!ack.ok) throw new Error(ack.code);
    newest = ack.seq;
    return ack.seq;
  }

  async function begin() {
    const seq = await join();
    if (!(last <= seq)) await restart(seq);
    await catchUp();
  }

  async function restart(seq) {
    await reload(); // after joining, so that nothing falls in between
    last = seq;
  }

  function take({ seq, ...event }) {
    if (seq !== last + 1) return; // applied already, or to be read first
    last = seq;
    apply(seq, event);
  }

  async function catchUp() {
    if (isReading) return;
    isReading = true;
    try {
      while (last < newest) {
        const query = new URLSearchParams({ stream: room, after: last, limit: 200 });
        const headers = { Authorization: `Bearer ${token()}` };
        const answer = await fetch(`${api}/realtime/missed?${query}`, { headers });
        if (answer.status === 410) await restart(await join());
        else if (!answer.ok) return; // the next event or connection tries again
        else for (const event of (await answer.json()).results) take(event);
      }
    } finally {
      isReading = false;
    }
  }

  socket.on("connect", begin);
  socket.onAny((event, data) => {
    if (data?.stream !== room || data.seq === undefined) return;
    newest = Math.max(newest, data.seq);
    take({ event, ...data });
    catchUp();
  });
}
