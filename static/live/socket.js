// A Socket.IO client (protocol 5) over WebSocket: what a page needs to hear of changes and to send commands.
// It reconnects by itself, waits longer each time, and joins its rooms again. Numbers and gaps are the page's.

const OPEN = "0", PING = "2", PONG = "3", MESSAGE = "4";
const CONNECT = "0", DISCONNECT = "1", EVENT = "2", ACK = "3", CONNECT_ERROR = "4";
const FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 10000, ACK_MS = 10000;

/** What the server answered to a command, or that it did not. */
export class Refused extends Error {
  constructor(code, message) {
    super(message || code);
    this.code = code;
  }
}

/**
 * A live connection. `token` returns the access token (a promise), asked anew for each attempt; `onEvent(name,
 * data)` hears every event; `onStatus(status, code)` hears "connecting", "live", "reconnecting", "refused".
 */
export class Live {
  constructor({ url, token, onEvent, onStatus }) {
    const base = url || location.origin;
    this.address = `${base.replace(/^http/, "ws")}/socket.io/?EIO=4&transport=websocket`;
    Object.assign(this, { token, onEvent, onStatus });
    this.rooms = new Map();
    this.acks = new Map();
    this.nextAck = 0;
    this.attempts = 0;
    this.isClosed = false;
    this.isLive = false;
    this.#say("connecting");
    this.#open();
  }

  /** Join a room now and after each reconnection. `after` gives the last number heard; resolves to the ack. */
  join(room, after = () => undefined) {
    this.rooms.set(room, after);
    return this.isLive ? this.#enter(room) : Promise.resolve(null);
  }

  /** Send a command; resolves to its acknowledgement, rejects with `Refused`. */
  send(name, data) {
    if (!this.isLive) return Promise.reject(new Refused("offline", "There is no connection right now."));
    const id = this.nextAck++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id, { ok: false, code: "timeout" }), ACK_MS);
      this.acks.set(id, { timer, settle: (answer) => (answer?.ok ? resolve(answer) : reject(new Refused(answer?.code ?? "unknown", answer?.message))) });
      this.#write(`${EVENT}${id}${JSON.stringify([name, data])}`);
    });
  }

  close() {
    this.isClosed = true;
    this.socket?.close();
  }

  async #open() {
    let token;
    try {
      token = await this.token();
    } catch {
      return this.#again();
    }
    if (this.isClosed) return undefined;
    const socket = new WebSocket(this.address);
    this.socket = socket;
    socket.onmessage = ({ data }) => this.#frame(data, token);
    socket.onclose = () => socket === this.socket && this.#lost();
    return undefined;
  }

  #frame(data, token) {
    const kind = data[0], rest = data.slice(1);
    if (kind === OPEN) {
      const { pingInterval, pingTimeout } = JSON.parse(rest);
      this.patience = pingInterval + pingTimeout;
      this.#write(`${CONNECT}${JSON.stringify({ token })}`);
    } else if (kind === PING) this.socket.send(PONG);
    else if (kind === MESSAGE) this.#packet(rest);
    this.#watch();
  }

  #packet(text) {
    const kind = text[0], body = text.slice(1);
    if (kind === CONNECT) this.#connected();
    else if (kind === EVENT) this.onEvent?.(...JSON.parse(body));
    else if (kind === ACK) {
      const digits = /^\d+/.exec(body)[0];
      this.#settle(Number(digits), JSON.parse(body.slice(digits.length))[0]);
    } else if (kind === CONNECT_ERROR) this.#refused(JSON.parse(body));
    else if (kind === DISCONNECT) this.socket.close();
  }

  async #connected() {
    this.attempts = 0;
    this.isLive = true;
    await Promise.allSettled([...this.rooms.keys()].map((room) => this.#enter(room)));
    if (this.isLive) this.#say("live");
  }

  #enter(room) {
    const after = this.rooms.get(room)();
    return this.send("join_room", after === undefined ? { room } : { room, after });
  }

  // A token that ran out is replaced by the next attempt; the page hears why this one failed.
  #refused({ message, data }) {
    this.#say("refused", data?.code ?? message);
    this.socket.close();
  }

  #settle(id, answer) {
    const waiting = this.acks.get(id);
    if (!waiting) return;
    this.acks.delete(id);
    clearTimeout(waiting.timer);
    waiting.settle(answer);
  }

  #write(packet) {
    this.socket.send(`${MESSAGE}${packet}`);
  }

  // The server pings; when it has been silent for longer than it promised, the line is cut.
  #watch() {
    clearTimeout(this.silence);
    if (this.patience) this.silence = setTimeout(() => this.socket.close(), this.patience);
  }

  #lost() {
    clearTimeout(this.silence);
    this.isLive = false;
    for (const id of [...this.acks.keys()]) this.#settle(id, { ok: false, code: "offline" });
    if (!this.isClosed) this.#again();
  }

  #again() {
    this.#say("reconnecting");
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.attempts++);
    // Thousands of pages that lost one server must not come back in the same instant.
    setTimeout(() => !this.isClosed && this.#open(), wait * (0.5 + Math.random() / 2));
  }

  #say(status, code) {
    this.onStatus?.(status, code);
  }
}
