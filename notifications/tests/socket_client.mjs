// Speaks with a real-time process as a front end does. Arguments: address, token, room. Prints one JSON line an event.
import { io } from "socket.io-client";

const [address, token, room] = process.argv.slice(2);
// Whatever happens, it ends.
setTimeout(() => process.exit(1), 15000).unref();
const say = (kind, data) => console.log(JSON.stringify({ kind, data }));
const socket = io(address, { auth: token ? { token } : {}, transports: ["websocket"], reconnection: false });

socket.on("connect", () => {
  socket.emit("join_room", { room }, (ack) => say("ack", ack));
});
socket.on("connect_error", (error) => {
  say("connect_error", error.data ?? { message: error.message });
  process.exit(0);
});
socket.on("PURCHASE_UPDATE", (data) => {
  say("PURCHASE_UPDATE", data);
  socket.close();
});
