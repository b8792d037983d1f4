// Joins a waitlist as a front end does. Arguments: address, token, then one JSON object a join. Prints each answer.
import { io } from "socket.io-client";

const [address, token, ...wishes] = process.argv.slice(2);
// Whatever happens, it ends.
setTimeout(() => process.exit(1), 15000).unref();
const socket = io(address, { auth: { token }, transports: ["websocket"], reconnection: false });

socket.on("connect", async () => {
  for (const wish of wishes) {
    const answer = await socket.timeout(10000).emitWithAck("monetization.waitlist.join", JSON.parse(wish));
    console.log(JSON.stringify(answer));
  }
  socket.close();
});
