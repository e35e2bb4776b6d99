// Prints who is in a channel.
import { Fanfare } from "@fanfare/client";

const [channel = "orders"] = process.argv.slice(2);
const address = process.env.FANFARE_ADDRESS ?? "127.0.0.1:50051";
const fanfare = new Fanfare({ baseUrl: `http://${address}` });

for await (const member of fanfare.members(channel)) {
  console.log(member.id, JSON.stringify(member.data));
}
fanfare.close();
