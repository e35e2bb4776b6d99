// Sends a thousand events over one stream without waiting for one another.
import { Fanfare } from "@fanfare/client";

const [channel = "orders"] = process.argv.slice(2);
const address = process.env.FANFARE_ADDRESS ?? "127.0.0.1:50051";
const fanfare = new Fanfare({ baseUrl: `http://${address}` });

const session = fanfare.session();
const sent = Array.from({ length: 1000 }, (_, i) => session.send({ channel, event: `${i}` }));
const answers = await Promise.all(sent);
console.log(`sent ${answers.length}, the last as number ${answers.at(-1)?.position?.sequence}`);
session.end();
fanfare.close();
