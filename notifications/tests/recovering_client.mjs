// A front end that goes away and comes back, driven by lines on its input: away, back. Arguments: address of the
// sockets, address of the API, token, room. Prints one JSON line for what happens.
import readline from "node:readline";
import { io } from "socket.io-client";
import { follow } from "./stream.mjs";

const [address, api, token, room] = process.argv.slice(2);
setTimeout(() => process.exit(1), 60000).unref();
const say = (kind, data) => console.log(JSON.stringify({ kind, data }));
const socket = io(address, { auth: { token }, transports: ["websocket"], reconnection: false });

follow({
  socket,
  room,
  api,
  token: () => token,
  apply: (seq, event) => say("event", { seq, ...event }),
  reload: async () => say("reload"),
});
socket.on("disconnect", () => say("away"));
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "away") socket.disconnect();
  if (line === "back") socket.connect();
  if (line === "quit") process.exit(0);
});
